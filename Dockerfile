# Frontdesk as an image: the program, the certificate authorities it trusts, and an empty folder for its data.
# docs/DEPLOYMENT.md says how to run it.

ARG BUILD_IMAGE=rust:1.95-slim-bookworm
ARG RUNTIME_IMAGE=debian:bookworm-slim

FROM ${BUILD_IMAGE} AS build
WORKDIR /build

# The dependencies first, against empty sources: this layer is made anew only when a manifest changes. Cache mounts
# would do the same with less, but Railway refuses those without an id of its own.
COPY Cargo.toml Cargo.lock ./
COPY crates/core/Cargo.toml crates/core/
COPY crates/store/Cargo.toml crates/store/
COPY crates/llm/Cargo.toml crates/llm/
COPY crates/nodes/Cargo.toml crates/nodes/
COPY crates/notify/Cargo.toml crates/notify/
COPY crates/web/Cargo.toml crates/web/
COPY crates/frontdesk/Cargo.toml crates/frontdesk/
COPY crates/testkit/Cargo.toml crates/testkit/
COPY xtask/Cargo.toml xtask/
RUN mkdir crates/core/src crates/store/src crates/llm/src crates/nodes/src crates/notify/src crates/web/src crates/frontdesk/src crates/testkit/src xtask/src \
    && touch crates/core/src/lib.rs crates/store/src/lib.rs crates/llm/src/lib.rs crates/nodes/src/lib.rs crates/notify/src/lib.rs crates/web/src/lib.rs crates/testkit/src/lib.rs \
    && echo 'fn main() {}' | tee crates/web/build.rs crates/frontdesk/src/main.rs > xtask/src/main.rs \
    && cargo build --profile dist --locked -p frontdesk

# Cargo goes by time, and a checkout's files are older than the empty ones: without `touch` those would count as built.
COPY . .
RUN find crates -name '*.rs' -exec touch {} + \
    && cargo build --profile dist --locked -p frontdesk \
    && mkdir /data

FROM ${RUNTIME_IMAGE}
LABEL org.opencontainers.image.title="Frontdesk" org.opencontainers.image.licenses="MIT"

# Nothing is installed: the program needs no more than the C library, and the authorities come from the build.
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /build/LICENSE /usr/share/doc/frontdesk/LICENSE
COPY --from=build /build/target/dist/frontdesk /usr/local/bin/frontdesk
# A named volume takes its owner over from this folder. There is no VOLUME, because Railway refuses it and because a
# volume without a name is lost with its container all the same.
COPY --from=build --chown=10001:10001 /data /data

# HOST is for development mode, which otherwise listens inside of the container alone.
ENV FRONTDESK_ENV=production HOST=0.0.0.0 DATA_DIR=/data
# By number, so that orchestrators can tell that it is not root.
USER 10001:10001
EXPOSE 4000 3000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=15s --retries=3 CMD ["frontdesk", "healthcheck"]
ENTRYPOINT ["frontdesk"]
CMD ["serve"]
