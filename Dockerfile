# syntax=docker/dockerfile:1
# The image of serin: the libraries that Node needs, Node, and one bundled file. No shell, no package manager.
# `node scripts/image.ts --oci dist/image` makes the same image without a container engine; that is what CI examines.

# A Debian with the Node that is to be in the image.
ARG BUILD_IMAGE=node:26-bookworm-slim

FROM ${BUILD_IMAGE} AS build
WORKDIR /build
COPY package.json package-lock.json .npmrc tsconfig.json LICENSE ./
# No install script is needed: Node is there, and esbuild comes as a package of its platform.
RUN npm ci --ignore-scripts
COPY src ./src
COPY scripts ./scripts
RUN node scripts/image.ts --root /root-files

FROM scratch
COPY --from=build /root-files /
ENV PATH=/usr/local/bin NODE_ENV=production
WORKDIR /app
# The user that the chart asks for; it owns nothing here.
USER 10001:10001
EXPOSE 8080
ENTRYPOINT ["/usr/local/bin/node", "/app/serin.mjs"]
CMD ["controller"]
