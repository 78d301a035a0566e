# One image for every service and both modes: `relay` is the entry point, the command says which services it runs.
# BASE is any image with Python 3.11 or newer and its venv module; pin it by digest where you build.
ARG BASE=docker.io/library/python:3.13-slim

FROM ${BASE} AS build
WORKDIR /src
RUN python3 -m venv /tools && python3 -m venv --without-pip /opt/relay
# Everything of the lock file is fetched and held against its hashes; the environment then takes from that folder
# only what the relay itself needs. The tools of development never reach the image.
COPY requirements.lock ./
RUN /tools/bin/pip download --no-cache-dir --disable-pip-version-check --quiet \
        --require-hashes --only-binary :all: --dest /wheels --requirement requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY schemas ./schemas
COPY services ./services
RUN PIP_NO_INDEX=1 PIP_FIND_LINKS=/wheels \
    /tools/bin/pip --python /opt/relay/bin/python install --no-cache-dir --disable-pip-version-check --quiet .

FROM ${BASE}
RUN groupadd --gid 10001 relay \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /var/lib/relay --shell /usr/sbin/nologin relay \
    && install -d -o relay -g relay -m 0700 /var/lib/relay
COPY --from=build /opt/relay /opt/relay
COPY deploy/kafka/topics.toml /etc/relay/topics.toml
ENV PATH=/opt/relay/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    RELAY_HTTP__HOST=0.0.0.0 \
    RELAY_HTTP__METRICS_HOST=0.0.0.0 \
    RELAY_KAFKA__TOPICS_FILE=/etc/relay/topics.toml
USER 10001:10001
WORKDIR /var/lib/relay
EXPOSE 8480
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s --retries=3 CMD ["relay", "healthcheck"]
ENTRYPOINT ["relay"]
CMD ["serve", "all"]
