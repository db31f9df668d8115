"""Where a command runs submissions, and the one line that says so when it is no place for a verdict."""

from grader.cli.console import Screen, Style
from grader.venue import Venue, VenueChoice, default_image, find_venue


def open_venue(choice: VenueChoice, image: str | None, screen: Screen) -> Venue:
    """Find where to run, and tell the user where that makes it practice."""
    venue = find_venue(choice, image or default_image())
    if venue.notice is not None:
        screen.note(venue.notice, Style.DOUBT)
    return venue
