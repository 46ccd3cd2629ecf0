# Builds the executable, then an image that holds nothing else: no shell, no package manager, no root.
FROM oven/bun:1.4.5 AS build
WORKDIR /parley
COPY package.json bun.lock bunfig.toml tsconfig.json LICENSE ./
RUN bun install --frozen-lockfile --production
COPY scripts scripts
COPY src src
RUN bun scripts/build.ts && mkdir /data

FROM gcr.io/distroless/base-debian12:nonroot
LABEL org.opencontainers.image.title="Parley" \
      org.opencontainers.image.description="Accounts and a streaming AI agent for an app, in one executable" \
      org.opencontainers.image.licenses="MIT"
COPY --from=build /parley/dist/parley /usr/local/bin/parley
COPY --from=build --chown=65532:65532 --chmod=700 /data /data
ENV NODE_ENV=production HOST=0.0.0.0 PORT=3000 DATA_DIR=/data
VOLUME /data
EXPOSE 3000
USER 65532:65532
HEALTHCHECK --interval=10s --timeout=5s --start-period=10s CMD ["/usr/local/bin/parley", "health"]
ENTRYPOINT ["/usr/local/bin/parley"]
