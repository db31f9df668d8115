# One image for all roles: the grader and both subjects. `make image` builds it; it also writes the folder that WHEELS
# names: requirements.txt (from uv.lock, with hashes) and the wheels themselves, so that the build needs no network. With
# requirements.txt alone, pip downloads the same wheels during the build.
ARG BASE_IMAGE=python:3.12-slim-bookworm

FROM ${BASE_IMAGE} AS dependencies
ARG WHEELS
COPY ${WHEELS} /wheels
RUN python3 -m venv --without-pip /opt/venv \
 && offline=$(ls /wheels/*.whl > /dev/null 2>&1 && echo --no-index || true) \
 && python3 -m pip --python /opt/venv/bin/python3 --no-cache-dir --disable-pip-version-check \
    install --quiet --no-deps $offline --find-links /wheels --require-hashes -r /wheels/requirements.txt

FROM ${BASE_IMAGE}
RUN groupadd --gid 10000 grader && useradd --uid 10000 --gid grader --no-create-home --home-dir /nonexistent grader \
 && groupadd --gid 10001 subject && useradd --uid 10001 --gid subject --no-create-home --home-dir /nonexistent subject \
 && mkdir -p /submission /driver /grading /sockets/candidate /sockets/reference \
 && chown -R grader:grader /sockets
COPY --from=dependencies /opt/venv /opt/venv
COPY harness /opt/takehome/harness
COPY grader /opt/takehome/grader
# The root is read-only at run time: bytecode must be there, and nothing can make it stale.
RUN /opt/venv/bin/python3 -m compileall -q --invalidation-mode unchecked-hash /opt/takehome
ENV PATH=/opt/venv/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    PYTHONPATH=/opt/takehome \
    PYTHONDONTWRITEBYTECODE=1 \
    LANG=C.UTF-8
WORKDIR /
USER subject
