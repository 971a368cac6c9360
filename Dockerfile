# One image for every binary: the command says which. Needs no build step, as Node strips the types.
# The version is that of the `node` package which development and tests run on.
FROM node:26.10.0-bookworm-slim AS modules
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --no-audit --no-fund

FROM node:26.10.0-bookworm-slim
# npm has no work here, and what is not there needs no updates.
RUN rm -rf /usr/local/lib/node_modules /usr/local/bin/npm /usr/local/bin/npx \
      /usr/local/bin/corepack /opt/yarn-* /usr/local/bin/yarn /usr/local/bin/yarnpkg \
  && install -d -o node -g node /data
WORKDIR /app
COPY --from=modules /app/node_modules ./node_modules
COPY package.json LICENSE ./
COPY cmd ./cmd
COPY src ./src
COPY deploy/healthy.mjs ./deploy/
ENV NODE_ENV=production CIPHERHORIZON_DATA_DIR=/data
# By number, so that a cluster that asks for a user other than root can tell.
USER 1000:1000
# write-server, projector, read-server; `horizon` is the CLI.
ENTRYPOINT ["node"]
CMD ["cmd/horizon.ts", "--help"]
