/**
 * A day of Testcontainers for Node: what its users' own tests do with databases and servers. Run by testcontainers.test.ts
 * where the package is installed; says what it saw as one line of JSON.
 */
import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { GenericContainer, Network, Wait } from 'testcontainers';

const SERVICES = 'services:latest';
const folder = mkdtempSync(`${tmpdir()}/testcontainers-`);
const seen = {};
// Its streams of logs do not keep a program alive.
const alive = setInterval(() => {}, 1000);
await using undo = new AsyncDisposableStack();
undo.defer(() => rmSync(folder, { recursive: true }));
const stopping = (container) => {
  undo.defer(() => container.stop());
  return container;
};

const network = await new Network().start();
undo.defer(() => network.stop());

const lines = [];
const database = stopping(
  await new GenericContainer(SERVICES)
    .withNetwork(network)
    .withNetworkAliases('db')
    .withExposedPorts(5432)
    .withEnvironment({ PGDATA: '/var/lib/postgresql/15/main' })
    .withLabels({ purpose: 'test' })
    .withCopyContentToContainer([{ content: 'CREATE TABLE n (n int); INSERT INTO n VALUES (41), (42);', target: '/seed.sql' }])
    .withCommand([
      'su', 'postgres', '-c',
      '/usr/lib/postgresql/15/bin/postgres -c config_file=/etc/postgresql/15/main/postgresql.conf -c listen_addresses=*',
    ])
    .withHealthCheck({ test: ['CMD-SHELL', 'su postgres -c "pg_isready -q"'], interval: 500, timeout: 3000, retries: 50 })
    .withWaitStrategy(
      Wait.forAll([
        Wait.forListeningPorts(),
        Wait.forLogMessage(/ready to accept connections/),
        Wait.forHealthCheck(),
      ]),
    )
    .withLogConsumer((stream) => stream.on('data', (line) => lines.push(String(line))))
    .start(),
);
const sql = (statement) => database.exec(['su', 'postgres', '-c', `psql -At ${statement}`]);
seen.seeded = (await sql('-f /seed.sql')).exitCode;
seen.sum = (await sql('-c "SELECT sum(n) FROM n"')).output.trim();
seen.failed = (await sql('-c "SELECT nonsense"')).exitCode;
seen.label = database.getLabels().purpose;
seen.consumed = lines.some((line) => line.includes('ready to accept connections'));
seen.port = await answers(database.getMappedPort(5432), database.getHost());

writeFileSync(`${folder}/index.html`, 'hello from a file\n');
mkdirSync(`${folder}/more`);
writeFileSync(`${folder}/more/deep.html`, 'deep\n');
const web = stopping(
  await new GenericContainer(SERVICES)
    .withNetwork(network)
    .withNetworkAliases('web')
    .withExposedPorts(80)
    .withCopyFilesToContainer([{ source: `${folder}/index.html`, target: '/var/www/html/index.html', mode: 0o644 }])
    .withCopyDirectoriesToContainer([{ source: `${folder}/more`, target: '/var/www/html/more' }])
    .withCommand(['nginx', '-g', 'daemon off;'])
    .withWaitStrategy(Wait.forHttp('/', 80))
    .start(),
);
const page = async (path) => (await fetch(`http://${web.getHost()}:${web.getMappedPort(80)}${path}`)).text();
seen.page = await page('/');
seen.deep = await page('/more/deep.html');
seen.byAlias = (await database.exec(['curl', '-s', 'http://web/'])).output;
await web.restart();
seen.afterRestart = await page('/');
seen.archive = await bytesOf(await web.copyArchiveFromContainer('/var/www/html/index.html'));
seen.address = /^\d+\.\d+\.\d+\.\d+$/.test(web.getIpAddress(network.getName()));

const cache = stopping(
  await new GenericContainer(SERVICES)
    .withExposedPorts(6379)
    .withTmpFs({ '/var/lib/redis': 'rw,size=32m' })
    .withBindMounts([{ source: folder, target: '/given', mode: 'ro' }])
    .withUlimits({ nofile: { soft: 1024, hard: 2048 } })
    .withResourcesQuota({ memory: 0.25, cpu: 1 })
    .withExtraHosts([{ host: 'elsewhere', ipAddress: '10.11.12.13' }])
    .withWorkingDir('/var/lib/redis')
    .withCommand(['redis-server', '--bind', '0.0.0.0', '--protected-mode', 'no'])
    .withWaitStrategy(Wait.forLogMessage('Ready to accept connections'))
    .start(),
);
seen.pong = await ask(cache.getMappedPort(6379), cache.getHost(), 'PING\r\n');
seen.inside = (
  await cache.exec(['sh', '-c', 'cat /given/index.html; ulimit -Sn; ulimit -Hn; pwd; getent hosts elsewhere'])
).output;
seen.oneShot = await oneShot();

writeFileSync(`${folder}/Dockerfile`, `FROM ${SERVICES}\nARG WHO=nobody\nENV WHO=$WHO\nCOPY index.html /built.html\nRUN echo $WHO > /who\nCMD ["sleep", "1000"]\n`);
const image = await GenericContainer.fromDockerfile(folder).withBuildArgs({ WHO: 'somebody' }).build();
const built = stopping(await image.start());
seen.built = (await built.exec(['cat', '/who', '/built.html'])).output;

await undo[Symbol.asyncDispose]();
clearInterval(alive);
console.log(JSON.stringify(seen));

/** A container that does its work and ends. */
async function oneShot() {
  const container = await new GenericContainer(SERVICES)
    .withCommand(['echo', 'done'])
    .withWaitStrategy(Wait.forOneShotStartup())
    .start();
  const text = await bytesOf(await container.logs());
  await container.stop();
  return text;
}

async function bytesOf(stream) {
  const chunks = [];
  for await (const chunk of stream) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString('latin1');
}

function answers(port, host) {
  return new Promise((resolve) => {
    const socket = connect(port, host, () => {
      socket.destroy();
      resolve(true);
    }).on('error', () => resolve(false));
  });
}

function ask(port, host, question) {
  return new Promise((resolve, reject) => {
    const socket = connect(port, host, () => socket.write(question)).on('error', reject);
    socket.once('data', (answer) => {
      socket.destroy();
      resolve(answer.toString());
    });
  });
}
