from itertools import product

import pytest

from harness.wire.codec import Encoder
from harness.wire.conversation import NEXT, Conversation, Event, State
from harness.wire.errors import WireError
from harness.wire.messages import NONCE_BYTES, Answered, pack_reply

FIRST, SECOND = b"1" * NONCE_BYTES, b"2" * NONCE_BYTES


def answer_to(nonce: bytes) -> bytes:
    return pack_reply(Answered(nonce, 42), Encoder())


@pytest.mark.parametrize(("state", "event"), list(product(State, Event)))
def test_every_event_in_every_state_is_in_the_table_or_refused(state: State, event: Event) -> None:
    conversation = Conversation()
    conversation.state = state
    if (state, event) in NEXT:
        conversation.note(event)
        assert conversation.state is NEXT[state, event]
    else:
        with pytest.raises(ValueError, match=state.name):
            conversation.note(event)


def test_nothing_leads_out_of_broken() -> None:
    assert not [state for state, _ in NEXT if state is State.BROKEN]


def test_only_asking_leads_to_awaiting_and_only_an_answer_back() -> None:
    assert [cause for cause, state in NEXT.items() if state is State.AWAITING] == [(State.IDLE, Event.ASKED)]
    assert [cause for cause, state in NEXT.items() if state is State.IDLE] == [(State.AWAITING, Event.ANSWERED)]


def test_an_answer_with_the_nonce_is_heard_and_the_next_question_may_come() -> None:
    conversation = Conversation()
    for nonce in (FIRST, SECOND):
        conversation.ask(nonce)
        assert conversation.hear(answer_to(nonce)) == Answered(nonce, 42)
        assert conversation.state is State.IDLE


def test_the_answer_to_an_earlier_question_breaks_it() -> None:
    conversation = Conversation()
    conversation.ask(FIRST)
    conversation.hear(answer_to(FIRST))
    conversation.ask(SECOND)
    with pytest.raises(WireError, match="another question"):
        conversation.hear(answer_to(FIRST))
    assert conversation.state is State.BROKEN


def test_nonsense_breaks_it() -> None:
    conversation = Conversation()
    conversation.ask(FIRST)
    with pytest.raises(WireError):
        conversation.hear(b"\xc1")
    assert conversation.state is State.BROKEN
