# A static scurry, the certificates it needs to reach an https origin, and a small site to show.
#
#   docker build -t scurry .
#   docker run -p 9001:9001 scurry                                           # http://localhost:9001/files/
#   docker run -p 9001:9001 -v "$PWD:/srv:ro" scurry                         # this folder instead
#   docker run -p 9001:9001 -e SCURRY_ORIGIN=https://files.example.com scurry
#   docker run -p 9001:9001 scurry serve --memory 2GiB --browse              # flags
#
# At SIGTERM, transfers in progress have 30 s to finish. Docker waits 10 s unless told to wait longer, as in
# "docker stop -t 35".

FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 go build -trimpath -ldflags "-s -w" -o /scurry ./cmd/scurry

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /scurry /scurry
COPY testdata/site /srv
# Settings, not arguments, so that the ones of "docker run" don't replace them, and the health check sees them.
ENV SCURRY_LISTEN=0.0.0.0:9001 \
    SCURRY_ORIGIN=/srv
USER 65532:65532
EXPOSE 9001
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s --retries=3 CMD ["/scurry", "healthcheck"]
ENTRYPOINT ["/scurry"]
CMD ["serve"]
