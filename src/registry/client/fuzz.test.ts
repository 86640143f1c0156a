import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SkiffError } from '#base';
import { readDockerConfig } from '../credentials/config-file.ts';
import { decodeAuthHeader } from './auth-config.ts';
import { parseChallenges } from './challenge.ts';
import { parseContentRange, parseNextLink, parseRetryAfter, parseUploadRange } from './headers.ts';
import { redirectTarget } from './redirects.ts';
import { refusalOf } from './refusals.ts';
import { parseResults } from './search.ts';
import { parseToken } from './tokens.ts';

/** Numbers that look random and are the same every time (xorshift32). */
function generator(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

const seeds: readonly string[] = [
  'Bearer realm="https://a/t",service="s \\" x",scope="repository:a:pull,push", Basic realm=x, Negotiate abc==',
  '</v2/_catalog?last=a&n=2>; rel="next", <b>; rel=prev; title="a,b"',
  'bytes 5-9/10',
  'bytes=0-999999999999999',
  'Thu, 01 Jan 2026 00:00:30 GMT',
  'https://user:pw@host:1/p?q=%zz#f',
  '{"token":"abc","access_token":"d","expires_in":300,"refresh_token":"r"}',
  '{"errors":[{"code":"MANIFEST_UNKNOWN","message":"m","detail":{}}],"details":"x"}',
  '{"auths":{"h":{"auth":"YTpi","identitytoken":"t"}},"credHelpers":{"h":"x"},"credsStore":"y"}',
  '{"results":[{"name":"a","star_count":1,"is_official":true}]}',
  'eyJ1c2VybmFtZSI6ImEiLCJwYXNzd29yZCI6ImIifQ',
];

const scraps = [
  '"',
  '\\',
  ',',
  '=',
  '<',
  '>',
  ';',
  '{',
  '}',
  '[',
  ']',
  ':',
  '\0',
  '\r\n',
  ' ',
  'é',
  '\u{1f600}',
  '-1',
  'null',
  '1e999',
];

function mutate(text: string, random: (below: number) => number): string {
  let result = text;
  for (let turn = random(6); turn >= 0; turn -= 1) {
    const at = random(result.length + 1);
    const length = random(5);
    const insert = [scraps[random(scraps.length)]!, result.slice(at, at + random(20)), ''][random(3)]!;
    result = result.slice(0, at) + insert.repeat(1 + random(3)) + result.slice(at + length);
  }
  return result;
}

/** Each gives a value or one of our refusals, whatever it reads. */
const parsers: Readonly<Record<string, (text: string) => unknown>> = {
  challenges: (text) => parseChallenges(text),
  link: (text) => parseNextLink(text),
  contentRange: (text) => parseContentRange(text),
  uploadRange: (text) => parseUploadRange(text),
  retryAfter: (text) => parseRetryAfter(text, 0),
  redirect: (text) => redirectTarget(new URL('https://reg.test/v2/'), text),
  token: (text) => parseToken(Buffer.from(text), 'https://t', 0),
  refusal: (text) => refusalOf({ status: 400, statusText: 'x', headers: { 'ratelimit-limit': text }, body: text }, 0),
  search: (text) => parseResults(Buffer.from(text), 'x'),
  authHeader: (text) => decodeAuthHeader(text),
  dockerConfig: (text) => readDockerConfig(text, '/config.json'),
};

test('no header and no document of a stranger brings a parser down', () => {
  const random = generator(0x5eed);
  const deadline = performance.now() + 400;
  let runs = 0;
  while (performance.now() < deadline && runs < 20_000) {
    const text = mutate(seeds[random(seeds.length)]!, random);
    for (const [name, parse] of Object.entries(parsers)) {
      try {
        parse(text);
      } catch (error) {
        assert.ok(error instanceof SkiffError, `${name} of ${JSON.stringify(text)}: ${String(error)}`);
      }
    }
    runs += 1;
  }
  assert.ok(runs > 200, `only ${runs} runs`);
});

test('long input of the worst kind takes no long time', () => {
  const long = [',', '"', '\\"', 'a=', '<', '<a>;', ' ', 'x '].map((each) => each.repeat(60_000 / each.length));
  const start = performance.now();
  for (const text of long) {
    parseChallenges(text);
    parseChallenges(`Bearer a="${text}`);
    parseNextLink(text);
    parseRetryAfter(text, 0);
    parseContentRange(text);
  }
  assert.ok(performance.now() - start < 1500, `took ${performance.now() - start} ms`);
});
