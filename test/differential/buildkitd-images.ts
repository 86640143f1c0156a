/** Dockerfiles that a real BuildKit and our builder make the same image of, and those they deliberately do not. */

export interface ImageCase {
  readonly dockerfile: string;
  /** Of `docker buildx build`. */
  readonly args?: readonly string[];
}

/** Files of the context: mode and content; a folder ends with a slash, a link has `->`, an archive what is packed. */
export const CONTEXT: Readonly<Record<string, string>> = {
  'a.txt': '644 a\n',
  'b.txt': '600 b\n',
  'run.sh': '755 #!/bin/sh\necho run\n',
  'sp ace.txt': '644 space\n',
  'd/': '750',
  'd/one': '640 one\n',
  'd/sub/': '711',
  'd/sub/two': '604 two\n',
  'd/sub/three.log': '644 three\n',
  'd/sub/deep/four.txt': '644 four\n',
  'e/one': '644 other one\n',
  'empty/': '755',
  link: '-> d/one',
  'd/up': '-> ../a.txt',
  'd/dangling': '-> nowhere',
  dlink: '-> d',
  'set.id': '4755 x\n',
  'ignored/x': '644 x\n',
  'kept/ignored/y': '644 y\n',
  '.dockerignore': '644 /ignored\n**/*.tmp\n*.md\n!README.md\n',
  'README.md': '644 readme\n',
  'OTHER.md': '644 other\n',
  'x.tmp': '644 tmp\n',
  'plain.tar': 'tar -c',
  'packed.tgz': 'tar -cz',
  'packed.tar.xz': 'tar -cJ',
  'packed.tar.bz2': 'tar -cj',
};

/** Steps leave no trace of the moment they ran at. */
export const images: Readonly<Record<string, ImageCase>> = {
  'an instruction of each kind': {
    dockerfile: `FROM base
MAINTAINER somebody <x@example.org>
ARG WHO=world
ENV A=1 B="two words" C=$A-\${WHO}
LABEL one=1 two="2 \\
lines"
EXPOSE 80 53/udp 90-92/tcp
VOLUME ["/v1", "/v2"]
VOLUME /v3 /v4
WORKDIR /w/$A
WORKDIR sub
USER 1000:1000
STOPSIGNAL SIGINT
SHELL ["/bin/sh", "-ec"]
HEALTHCHECK --interval=5s --timeout=3s --start-period=1m --start-interval=2s --retries=2 CMD true
ENTRYPOINT ["echo"]
CMD ["hi", "there"]`,
  },
  'shell forms': {
    dockerfile: 'FROM base\nENTRYPOINT exec top -b\nCMD echo "a b"   c\nHEALTHCHECK CMD curl -f x || exit 1\n',
  },
  'no health check': { dockerfile: 'FROM base\nHEALTHCHECK CMD true\nHEALTHCHECK NONE\n' },
  'an entry point that clears what was inherited': { dockerfile: 'FROM rich\nENTRYPOINT ["x"]\n' },
  'a base with everything': { dockerfile: 'FROM rich\nENV MORE=1\nEXPOSE 81\nLABEL l=2\n' },
  'triggers of a base': { dockerfile: 'FROM triggers\nRUN cat /triggered\n' },
  'triggers are kept': {
    dockerfile: 'FROM base\nONBUILD RUN echo x\nONBUILD COPY --chown=1 a.txt /\nONBUILD   ENV  A=b\n',
  },
  'legacy pairs': { dockerfile: 'FROM base\nENV one two three\nENV two "x  y" z\nLABEL a b c\n' },
  quoting: {
    dockerfile: `FROM base
ENV A='single $HOME' B="double $PATH" C=esc\\ aped D=a\\$b E="q\\"q" F='it'"'"s
LABEL "k e y"="v" k2='v''w' k3="multi\\
line"
ENV G=\${A:-x} H=\${NONE:-dflt} I=\${A:+set} J=\${NONE:+set} K=\${NONE-unset} L=\${A+is}`,
  },
  'patterns in variables': {
    dockerfile: `FROM base
ARG P=/usr/local/lib/libx.so.1.2
ENV A=\${P#*/} B=\${P##*/} C=\${P%.*} D=\${P%%.*} E=\${P/lib/LIB} F=\${P//lib/LIB} G=\${P##*[x]} H=\${P%?}`,
  },
  'scopes of arguments': {
    dockerfile: `ARG BASE=base
ARG G=global
FROM \${BASE} AS one
ARG G
ARG L=local
RUN echo "$G-$L-$NONE" > /one
FROM one
ARG L
RUN echo "$G-$L" > /two
ENV L=env
ARG L=late
RUN echo "$L" > /three
ARG G=other
ENV SEEN=$G`,
    args: ['--build-arg', 'L=given', '--build-arg', 'UNUSED=1'],
  },
  'arguments of platforms': {
    dockerfile:
      'FROM --platform=$BUILDPLATFORM base\nARG TARGETPLATFORM TARGETOS TARGETARCH TARGETVARIANT BUILDPLATFORM BUILDOS BUILDARCH TARGETSTAGE\nRUN env | grep -E "^(TARGET|BUILD)" | sort > /env\n',
  },
  'arguments nobody declares': {
    dockerfile: 'FROM base\nRUN env | grep -i -E "proxy|^A=" | sort > /env; echo "${TARGETARCH}" >> /env\n',
    args: ['--build-arg', 'HTTP_PROXY=http://p:1', '--build-arg', 'no_proxy=x', '--build-arg', 'A=1'],
  },
  'what a step sees': {
    dockerfile:
      'FROM base\nARG SEEN=1\nENV E=2\nUSER tester\nWORKDIR /home/tester\nRUN env | grep -v -E "^(PWD|SHLVL|OLDPWD|OTEL_.*|TRACEPARENT)=" | sort > env; id > id; pwd > pwd; ls -ld . /tmp > ls; umask >> ls; ulimit -n > /dev/null\n',
  },
  'what a step may': {
    dockerfile:
      'FROM base\nRUN grep -E "^(Cap|NoNewPrivs|Seccomp:)" /proc/self/status > /status; mount -t tmpfs x /mnt 2> /err; cat /proc/sys/kernel/hostname > /host; ls /dev | grep -v -E "^(core|otel-.*)$" > /devs; stat -c "%a %n" /dev/null /dev/shm /proc /sys > /modes\n',
  },
  'users by name': {
    dockerfile:
      'FROM base\nUSER tester\nRUN id > /tmp/a\nUSER tester:staff\nRUN id > /tmp/b\nUSER 1234\nRUN id > /tmp/c; echo "$HOME" >> /tmp/c\nUSER :50\nRUN id > /tmp/d\nUSER 0:staff\nRUN id > /tmp/e\n',
  },
  'folders to work in': {
    dockerfile:
      'FROM base\nUSER 1000\nWORKDIR /new/deep\nUSER 0\nWORKDIR /other\nWORKDIR ../up/./there//\nRUN pwd > /pwd\nWORKDIR /root\nWORKDIR $HOME\n',
  },
  heredocs: {
    dockerfile: `FROM base
RUN <<EOF
echo one > /one
	echo two > /two
EOF
RUN <<-EOF
	echo "three $HOME" > /three
	EOF
RUN <<'EOF' cat > /four
literal $HOME \\
EOF
RUN <<EOF
#!/bin/busybox sh
echo "$0" > /five
EOF
RUN cat <<A <<B > /six
a
A
b
B
RUN 3<<X cat <&3 > /seven
seven
X
COPY <<EOF /eight
home is $HOME and \\$HOME
EOF
COPY <<"EOF" <<-OTHER /folder/
raw $HOME
EOF
	tabs
	OTHER
COPY --chmod=755 --chown=1000:50 <<EOF /bin/tool
#!/bin/sh
EOF
ADD <<EOF /nine
nine
EOF`,
  },
  'continuations and comments': {
    dockerfile: `# comment

FROM base
RUN echo a \\
# inside
    && echo b \\

    && echo c > /c
  RUN   echo   spaced   >   /d
run echo lower > /e
ENV A=1 \\
    B=2 \\
    # and
    C=3`,
  },
  'another escape': { dockerfile: '# escape=`\nFROM base\nRUN echo a `\n && echo \\b > /b\nENV A=`$B C=\\d\n' },
  'the form of exec': {
    dockerfile:
      'FROM base\nRUN ["/bin/sh", "-c", "echo \\"x\\" > /x"]\nRUN [ "touch", "/y" ]\nRUN ["touch", "/\\u00e4"]\nCMD [ "a" , "b c" ]\nRUN [ -d / ] && touch /z\n',
  },
  'another shell': {
    dockerfile: 'FROM base\nSHELL ["/bin/busybox", "sh", "-euxc"]\nRUN echo $- > /flags\nCMD x\nENTRYPOINT y\n',
  },
  'copies of files': {
    dockerfile: `FROM base
COPY a.txt /new
COPY a.txt b.txt /folder/
COPY a.txt /there/is/none/
COPY *.txt /txt/
COPY ["sp ace.txt", "/with space/"]
COPY link /followed
COPY d/up /links/
COPY set.id /
WORKDIR /work
COPY run.sh .
COPY run.sh ./renamed
COPY b.txt sub/
COPY no*such a.txt /some/`,
  },
  'copies of folders': {
    dockerfile: `FROM base
COPY d /copied
COPY d/ /slash/
COPY d/. /dot
COPY d/sub d/one /mixed/
COPY dlink /through
COPY dlink/ /through2/
COPY empty /empty
COPY d e /merged/
COPY d/s*/ /stars/
COPY kept /kept`,
  },
  'copies of everything': { dockerfile: 'FROM base\nCOPY . /all/\nCOPY . .\n' },
  'copies over what is there': {
    dockerfile: `FROM base
RUN mkdir -p /there/in /real && ln -s real /through && chmod 700 /there && chown 7:8 /there && echo old > /there/one && ln -s /etc/passwd /passwd
COPY d /there/
COPY a.txt /through/
COPY a.txt /there/one
COPY e/ /there
COPY b.txt /through`,
  },
  'owners and modes': {
    dockerfile: `FROM base
COPY --chown=7:8 d /numbers
COPY --chown=tester d /name
COPY --chown=tester:staff a.txt /both
COPY --chown=1000 a.txt /uid
COPY --chown=:50 a.txt /gid
COPY --chmod=0700 d /octal
COPY --chmod=u+x,go-rwx a.txt /symbolic
COPY --chmod=4755 a.txt /setuid
COPY --chown=3:4 --chmod=640 a.txt /new/parents/file
ADD --chown=5 --chmod=600 b.txt /added`,
  },
  'links as layers': {
    dockerfile: `FROM base
RUN mkdir /real && ln -s real /through && touch /real/old
COPY --link a.txt /linked
COPY --link d /deep/in/folder/
COPY --link a.txt /through/a
COPY --link --chown=7:8 b.txt /owned
RUN echo after > /after
ADD --link plain.tar /tar/`,
  },
  parents: {
    dockerfile: `FROM base
COPY --parents d/sub/two a.txt /one/
COPY --parents d/./sub/two /two/
COPY --parents d/**/*.txt /three/
COPY --parents ./d/sub/deep/ /four
COPY --parents --exclude=**/*.log d/sub /five/`,
  },
  excludes: {
    dockerfile: `FROM base
COPY --exclude=*.txt --exclude=d . /one/
COPY --exclude=**/*.log d /two
COPY --exclude=sub/deep d /three
COPY --exclude=* --exclude=!one d /four
ADD --exclude=*.log d/sub /five/`,
  },
  archives: {
    dockerfile:
      'FROM base\nADD plain.tar /plain/\nADD packed.tgz /gz\nADD packed.tar.xz /xz/\nADD packed.tar.bz2 /bz2/\nADD a.txt plain.tar /both/\nCOPY plain.tar /copied/\nADD --unpack=false plain.tar /kept/\nADD --chown=5:6 plain.tar /owned/\n',
  },
  'downloads as they are': {
    dockerfile:
      'FROM base\nADD HTTP/file.txt /\nADD HTTP/file.txt /renamed\nADD HTTP/plain.tar /tar/\nADD HTTP/dated /d/\nADD --chmod=755 --chown=7:8 HTTP/file.txt /owned\n',
  },
  'downloads with a checksum': {
    dockerfile: 'FROM base\nADD --checksum=sha256:CHECKSUM HTTP/file.txt /f\nADD --unpack=true HTTP/plain.tar /t/\n',
  },
  'downloads without a name': { dockerfile: 'FROM base\nADD HTTP/ /here/\nADD HTTP/x%20y?z=1#f /here/\n' },
  repositories: {
    dockerfile:
      'FROM base\nADD GIT /all\nADD GIT#v1 /tag\nADD GIT#main:sub /sub\nADD GIT?tag=v1&subdir=sub /query\nADD --checksum=COMMIT GIT#v1 /pinned\n',
  },
  stages: {
    dockerfile: `FROM base AS build
RUN mkdir /out && echo made > /out/file && chmod 4755 /out/file && ln /out/file /out/hard && ln -s file /out/soft && mkfifo /out/fifo
FROM base AS unused
RUN false
FROM build AS More
ENV STAGE=more
FROM base
COPY --from=build /out /result
COPY --from=build /out/soft /followed
COPY --from=0 /out/file /bin/tool
COPY --from=more out/ /relative
COPY --from=base /etc/passwd /users`,
  },
  'a target': {
    dockerfile: 'FROM base AS one\nENV ONE=1\nARG TARGETSTAGE\nENV STAGE=$TARGETSTAGE\nFROM base AS two\nRUN false\n',
    args: ['--target', 'ONE'],
  },
  'an empty base': { dockerfile: 'FROM scratch\nCOPY a.txt /\nENV A=1\nCMD ["/a"]\n' },
  'nothing at all': { dockerfile: 'FROM scratch\n' },
  'only settings': { dockerfile: 'FROM base\nENV A=1\n' },
  'files removed and replaced': {
    dockerfile: `FROM base
RUN mkdir -p /x/y /o && touch /x/y/z /x/w /o/a
RUN rm -r /x/y && mkdir /x/y && touch /x/y/new
RUN rm -rf /o && mkdir /o
RUN rm /x/w && ln -s y /x/w
RUN rm -rf /x
RUN touch -d '2001-01-01 01:01:01' /old && chmod 600 /etc/passwd
RUN true
RUN mv /home /house`,
  },
  'special files': {
    dockerfile:
      'FROM base\nRUN mknod /pipe p && mknod /null c 1 3 && ln -s x /dangling && touch "/$(printf "\\303\\244 b")" && mkdir -m 1777 /sticky && chown 12345:54321 /null\n',
  },
  'mounts of steps': {
    dockerfile: `FROM base AS other
RUN mkdir /o && echo other > /o/file
FROM base
RUN --mount=type=cache,target=/cache --mount=type=tmpfs,target=/scratch touch /cache/x /scratch/y && echo 1 > /one
RUN --mount=type=cache,target=/cache,uid=7,gid=8,mode=0700,id=owned stat -c '%u %g %a' /cache > /owned
RUN --mount=from=other,source=/o,target=/mnt/o cat /mnt/o/file > /two
RUN --mount=target=/context,rw touch /context/new && cp /context/a.txt /three
RUN --mount=type=bind,source=a.txt,target=/deep/in/a cat /deep/in/a > /five
RUN --mount=type=secret,id=none cat /run/secrets/none || echo none > /six
RUN --mount=type=tmpfs,target=/t,size=1m df -k /t | tail -1 | awk '{print $2}' > /seven
WORKDIR /w
RUN --mount=type=cache,target=relative echo x > relative/x; ls -d relative > /eight`,
  },
  secrets: {
    dockerfile: `FROM base
RUN --mount=type=secret,id=s cat /run/secrets/s > /content; stat -c '%u %g %a' /run/secrets/s > /stat
RUN --mount=type=secret,id=s,target=/etc/s,mode=0444,uid=5,gid=6 stat -c '%u %g %a' /etc/s > /stat2
RUN --mount=type=secret,id=s,env=TOKEN echo "$TOKEN" > /env; ls /run/secrets > /none 2>&1 || true
RUN --mount=type=secret,id=s,env=TOKEN,target=/s cat /s > /both; echo "$TOKEN" >> /both`,
    args: ['--secret', 'id=s,src=secret'],
  },
  'a step without a network': {
    dockerfile:
      'FROM base\nRUN --network=none ip -o link | wc -l > /links\nRUN --network=none cat /etc/resolv.conf > /dev/null; ls -la /etc > /dev/null\n',
  },
  'other hosts': {
    dockerfile: 'FROM base\nRUN grep example.org /etc/hosts > /hosts\n',
    args: ['--add-host', 'example.org:1.2.3.4'],
  },
  'settings of the build': {
    dockerfile:
      "FROM base\nRUN df -k /dev/shm | tail -1 | awk '{print $2}' > /shm; ulimit -n > /files; hostname > /host\n",
    args: ['--shm-size', '16m', '--ulimit', 'nofile=500:600', '--build-arg', 'BUILDKIT_SANDBOX_HOSTNAME=box'],
  },
  labels: { dockerfile: 'FROM base\nLABEL a=1 b=2\n', args: ['--label', 'a=over', '--label', 'c'] },
  'named contexts': {
    dockerfile:
      'FROM base\nCOPY --from=more one /\nCOPY --from=more . /all/\nRUN --mount=from=more,target=/m cat /m/one > /m1\n',
    args: ['--build-context', 'more=ctx/e'],
  },
  'a context for a stage': {
    dockerfile: 'FROM base AS stage\nRUN false\nFROM base\nCOPY --from=stage /one /\n',
    args: ['--build-context', 'stage=ctx/e'],
  },
  'a folder as a base': {
    dockerfile: 'FROM folder\nENV A=1\nCOPY a.txt /\n',
    args: ['--build-context', 'folder=ctx/e'],
  },
  'ignore file of its own': { dockerfile: 'FROM base\nCOPY . /all/\n', args: ['-f', 'ctx/Own'] },
  'a date': {
    dockerfile:
      'FROM base\nARG SOURCE_DATE_EPOCH\nWORKDIR /w\nCOPY a.txt .\nRUN echo "$SOURCE_DATE_EPOCH" > made; touch -d "2001-01-01 01:01:01" old\n',
    args: ['--build-arg', 'SOURCE_DATE_EPOCH=1500000000'],
  },
  'a mark of bytes': { dockerfile: '\uFEFFFROM base\r\nENV A=1\r\nRUN echo x > /x\r\n' },
  'ports of all kinds': { dockerfile: 'FROM base\nARG P=90\nEXPOSE $P ${P}/udp 100-102 53/tcp 53/udp 5000/sctp\n' },
  'volumes and what is below them': {
    dockerfile:
      'FROM base\nVOLUME /data\nRUN mkdir -p /data && echo x > /data/x\nCOPY a.txt /data/\nVOLUME ["/data", "/more"]\n',
  },
  signals: { dockerfile: 'FROM base\nARG S=TERM\nSTOPSIGNAL SIG$S\n' },
  'a number as a signal': { dockerfile: 'FROM base\nSTOPSIGNAL 9\n' },
  'the last ones count': {
    dockerfile: 'FROM base\nCMD a\nCMD ["b"]\nENTRYPOINT a\nENTRYPOINT ["b"]\nUSER 1\nUSER 2\nENV A=1\nENV A=2 B=$A\n',
  },
  'removed inheritance': { dockerfile: 'FROM rich\nCMD []\nENTRYPOINT []\nENV PATH=\n' },
  annotations: { dockerfile: 'FROM base\nENV A=1\n', args: ['--annotation', 'a=b', '--annotation', 'manifest:c=d'] },
};
