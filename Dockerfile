# syntax=docker/dockerfile:1
# The image of serin: the bundle and Node, nothing else. No shell script runs in it, and it writes to no folder but /tmp.

ARG NODE_IMAGE=node:26-slim

FROM ${NODE_IMAGE} AS build
WORKDIR /build
COPY package.json package-lock.json .npmrc tsconfig.json ./
# No install script is needed: Node is there, and esbuild comes as a package of its platform.
RUN npm ci --ignore-scripts
COPY src ./src
COPY scripts ./scripts
RUN node scripts/build.ts /out

FROM ${NODE_IMAGE}
ENV NODE_ENV=production
WORKDIR /app
COPY --from=build --chown=0:0 /out ./
COPY --chown=0:0 LICENSE ./
# The user that the chart asks for; it owns nothing here.
USER 10001:10001
EXPOSE 8080
ENTRYPOINT ["node", "/app/serin.mjs"]
CMD ["controller"]
