/** Projects of the kind people build images of: a Dockerfile each, and the files it wants. Nothing of them needs a network. */

export interface Project {
  readonly files: Readonly<Record<string, string>>;
  /** Bases besides busybox. */
  readonly bases: readonly ('debian' | 'services' | 'toolchains')[];
  /** `id=…,src=…` of files, given where the client can. */
  readonly secrets?: readonly string[];
  /** What dockerd's BuildKit of Debian 12 does not know yet. */
  readonly isNew?: boolean;
  /** Places to mount on that it leaves behind, which a newer one removes. */
  readonly stubs?: RegExp;
}

/** Made of busybox, in a second. */
export const smallProjects: Readonly<Record<string, Project>> = {
  heredocs: {
    bases: [],
    isNew: true,
    files: {
      Dockerfile: `FROM busybox
WORKDIR /srv
COPY <<EOF index.html
<h1>home is $HOME</h1>
EOF
COPY <<one <<-"two" more/
the first
one
	the $second
	two
COPY --chmod=755 <<'EOF' /usr/local/bin/greet
#!/bin/sh
echo "hello $1"
EOF
RUN <<EOF
set -e
mkdir -p data/logs
for name in one two three; do echo "$name" > "data/$name"; done
/usr/local/bin/greet world > data/greeting
EOF
CMD ["greet", "you"]
`,
    },
  },
  stages: {
    bases: [],
    files: {
      '.dockerignore': '**/*.tmp\nsecret*\n!secret-but-not\n',
      'src/a.c': 'int a;\n',
      'src/deep/b.c': 'int b;\n',
      'src/deep/b.tmp': 'x\n',
      'secret-key': 'x\n',
      'secret-but-not': 'y\n',
      'conf/one.conf': '1\n',
      'conf/two.conf': '2\n',
      Dockerfile: `ARG VERSION=1.0
FROM busybox AS base
ENV APP_HOME=/app
FROM base AS build
ARG VERSION
RUN --mount=type=cache,target=/var/cache/objects --mount=type=bind,target=/ctx \\
  mkdir -p /out/lib && find /ctx/src -name '*.c' | sort | while read f; do cat "$f" >> /out/lib/all.c; done && \\
  echo "$VERSION" > /out/version && ln -s lib/all.c /out/main && ln /out/version /out/version.hard && echo x > /var/cache/objects/x
FROM base AS test
COPY --from=build /out /t
RUN grep -q 'int b' /t/lib/all.c
FROM base
ARG VERSION
LABEL org.opencontainers.image.version=$VERSION vendor="us and \\"them\\""
WORKDIR $APP_HOME
RUN echo 'app:x:500:' >> /etc/group && echo 'app:x:500:500::/app:/bin/sh' >> /etc/passwd
COPY --from=build --chown=app:app /out .
COPY conf/*.conf etc/
COPY . /everything/
RUN rm /everything/Dockerfile && chmod 2750 etc
USER app
VOLUME /data
EXPOSE 8080/tcp
HEALTHCHECK --interval=10s --timeout=2s CMD test -f main
ENTRYPOINT ["/bin/cat"]
CMD ["main"]
`,
    },
  },
  secrets: {
    bases: [],
    secrets: ['id=token,src=token'],
    stubs: /^run\//,
    files: {
      token: 's3cret\n',
      '.dockerignore': 'token\n',
      Dockerfile: `FROM busybox
RUN --mount=type=secret,id=token,required=true wc -c < /run/secrets/token > /length
RUN --mount=type=secret,id=token,uid=1000,mode=0400,target=/etc/token stat -c '%u %a' /etc/token > /facts
RUN ! ls /run/secrets/token /etc/token 2> /dev/null
`,
    },
  },
};

/** On Debian, with what its packages bring: minutes and gigabytes, for hands. */
export const largeProjects: Readonly<Record<string, Project>> = {
  node: {
    bases: ['debian', 'toolchains'],
    files: {
      'package.json': '{"name":"app","version":"1.0.0","dependencies":{"left":"file:./left"}}\n',
      'left/package.json': '{"name":"left","version":"1.0.0","main":"index.js"}\n',
      'left/index.js': 'module.exports = (s, n) => String(s).padStart(n);\n',
      'server.js': "console.log(require('left')('x', 5));\n",
      Dockerfile: `FROM toolchains AS deps
WORKDIR /app
ENV NODE_ENV=production
COPY package.json ./
COPY left ./left
RUN --mount=type=cache,target=/root/.npm npm install --offline --no-audit --no-fund
COPY server.js .
RUN test "$(node server.js)" = "    x"
FROM debian
WORKDIR /app
COPY --from=deps /app ./
RUN chown -R www-data:www-data /app
USER www-data
CMD ["node", "server.js"]
`,
    },
  },
  python: {
    bases: ['debian', 'toolchains'],
    files: {
      'app/__main__.py': 'from app import greeting\nprint(greeting.say("world"))\n',
      'app/__init__.py': '',
      'app/greeting.py': 'def say(name):\n    return f"hello {name}"\n',
      Dockerfile: `FROM toolchains AS build
ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
WORKDIR /build
COPY app ./app
RUN --mount=type=cache,target=/root/.cache python3 -m compileall -q --invalidation-mode unchecked-hash app && \\
  python3 -m app | grep 'hello world'
FROM debian
COPY --from=build /build/app /usr/local/lib/app
WORKDIR /usr/local/lib
ENTRYPOINT ["python3", "-m", "app"]
`,
    },
  },
  go: {
    bases: ['toolchains'],
    files: {
      'go.mod': 'module example.org/app\n\ngo 1.19\n',
      'main.go': 'package main\n\nimport "fmt"\n\nvar version = "dev"\n\nfunc main() { fmt.Println("go", version) }\n',
      Dockerfile: `FROM toolchains AS build
ARG VERSION=1.2.3
ENV CGO_ENABLED=0 GOFLAGS="-trimpath -buildvcs=false" GOPROXY=off
WORKDIR /src
COPY go.mod ./
RUN --mount=type=cache,target=/root/.cache/go-build go list -m
COPY . .
RUN --mount=type=cache,target=/root/.cache/go-build go build -ldflags "-s -w -X main.version=$VERSION" -o /out/app . && \\
  test "$(/out/app)" = "go $VERSION"
FROM scratch
COPY --from=build /out/app /app
USER 65532:65532
ENTRYPOINT ["/app"]
`,
    },
  },
  java: {
    bases: ['debian', 'toolchains'],
    files: {
      'src/main/java/org/example/Main.java':
        'package org.example;\npublic class Main { public static void main(String[] a) { System.out.println("java"); } }\n',
      'src/main/resources/app.properties': 'a=b\n',
      Dockerfile: `FROM toolchains AS build
WORKDIR /src
COPY src src
RUN javac -d classes src/main/java/org/example/Main.java && cp src/main/resources/app.properties classes/ && \\
  jar --create --date=2020-01-01T00:00:00Z --file app.jar --main-class org.example.Main -C classes . && java -jar app.jar
FROM debian
COPY --from=build /src/app.jar /opt/app/app.jar
ENV JAVA_OPTS="-Xmx256m"
EXPOSE 8080
ENTRYPOINT ["sh", "-c", "exec java $JAVA_OPTS -jar /opt/app/app.jar"]
`,
    },
  },
  c: {
    bases: ['toolchains'],
    files: {
      Makefile:
        'CFLAGS = -O2 -Wall\nall: tool\ntool: main.o more.o\n\t$(CC) -static -o $@ $^\ninstall: tool\n\tinstall -D tool $(DESTDIR)/usr/bin/tool\n',
      'main.c': '#include <stdio.h>\nint more(void);\nint main(void) { printf("%d\\n", more()); return 0; }\n',
      'more.c': 'int more(void) { return 42; }\n',
      Dockerfile: `FROM toolchains AS build
COPY . /src
RUN make -C /src && make -C /src install DESTDIR=/dest && test "$(/dest/usr/bin/tool)" = 42
FROM busybox
COPY --from=build /dest /
COPY --chown=1000:1000 --from=build /src/Makefile /usr/share/doc/tool/
CMD ["tool"]
`,
    },
  },
  nginx: {
    bases: ['services'],
    files: {
      'site/index.html': '<h1>hello</h1>\n',
      'site/css/style.css': 'h1 { color: red }\n',
      'default.conf': 'server { listen 8080; root /srv/www; }\n',
      Dockerfile: `FROM services
RUN rm -f /etc/nginx/sites-enabled/default && ln -sf /dev/stdout /var/log/nginx/access.log && \\
  ln -sf /dev/stderr /var/log/nginx/error.log
COPY default.conf /etc/nginx/conf.d/
COPY --chown=www-data:www-data site /srv/www
RUN nginx -t
EXPOSE 8080
STOPSIGNAL SIGQUIT
CMD ["nginx", "-g", "daemon off;"]
`,
    },
  },
  postgresql: {
    bases: ['services'],
    files: {
      'init/10-schema.sql': 'CREATE TABLE t (i int);\n',
      'init/20-data.sql': 'INSERT INTO t VALUES (1);\n',
      'entrypoint.sh': '#!/bin/sh\nset -e\nexec "$@"\n',
      Dockerfile: `FROM services
ENV PGDATA=/var/lib/postgresql/data PATH=$PATH:/usr/lib/postgresql/15/bin
RUN install -d -m 700 -o postgres -g postgres "$PGDATA" && install -d /init.d
COPY --chown=postgres:postgres init/ /init.d/
COPY entrypoint.sh /usr/local/bin/
RUN chmod 755 /usr/local/bin/entrypoint.sh && postgres --version | grep -q PostgreSQL
VOLUME $PGDATA
USER postgres
EXPOSE 5432
HEALTHCHECK --interval=5s CMD pg_isready || exit 1
ENTRYPOINT ["entrypoint.sh"]
CMD ["postgres"]
`,
    },
  },
  debian: {
    bases: ['debian'],
    files: {
      'run.sh': '#!/bin/sh\necho run\n',
      Dockerfile: `FROM debian AS pack
WORKDIR /pack
RUN mkdir -p rel/bin rel/share && echo '#!/bin/sh' > rel/bin/tool && chmod 755 rel/bin/tool && ln -s ../bin/tool rel/share/link
FROM debian
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
COPY --from=pack /pack/rel /opt/rel
RUN printf 'a\\nb\\n' | wc -l > /lines && [[ -x /opt/rel/bin/tool ]]
COPY run.sh /
WORKDIR /opt/rel
ONBUILD RUN echo triggered > /triggered
CMD /run.sh
`,
    },
  },
};
