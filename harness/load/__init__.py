"""Load a server and measure it honestly: open-loop schedules, latency from the intended send time, HTTP/1.1.

Theory of operation::

    schedule ──► pacer ──► target ──► connections ══ HTTP/1.1 keep-alive ══► server
    (pure)       sends what is due,   one request at a time each,
                 never waits for      a pure parser for replies
                 an answer
                   │                                              │
                   └── due time ──────► outcome ◄──── reply ──────┘
                                           │
                                latency = reply - due ──► histogram

An open-loop run sends each request when the schedule says, whatever the server does, and counts latency from that
moment: time spent waiting for a free connection, for the connection to open or for this process to be scheduled is
latency that a user would have seen. A closed-loop run (`saturate`) keeps a fixed number of requests in flight instead;
it measures throughput only, for it sends less when the server is slow.

The generator reports its own lateness beside what it measured, so that whoever reads the figures can void them.
"""
