# The base of every sandbox where a registry answers. Elsewhere the same packages are
# gathered by mmdebstrap: see runner/sandbox/images.py, which also passes PACKAGES.
FROM debian:bookworm-slim
ARG PACKAGES
RUN apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends $PACKAGES \
    && rm -rf /var/lib/apt/lists/* /usr/share/doc /usr/share/man \
    && echo "app:x:1000:1000::/tmp:/bin/bash" >> /etc/passwd \
    && echo "app:x:1000:" >> /etc/group \
    && mkdir -p /ws/app /ws/node_modules
