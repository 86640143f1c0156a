import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addressOfReverseName, dnsCode, isAnswerTo, readDnsQuery, writeDnsAnswer } from './message.ts';

/** `www.web` A with recursion desired, and an OPT record of 4096 bytes. */
const plain = Buffer.from('123401000001000000000000' + '03777777035765620000010001', 'hex');
const withEdns = Buffer.from(
  '123401000001000000000001' + '03777777035765620000010001' + '0000291000000000000000',
  'hex',
);

test('a question is read, in lower case', () => {
  const query = readDnsQuery(plain)!;
  assert.deepEqual(
    { ...query, question: query.question.toString('hex') },
    {
      id: 0x1234,
      opcode: 0,
      recursionDesired: true,
      name: 'www.web',
      type: 1,
      class: 1,
      question: '03777777035765620000010001',
      maxBytes: 512,
      hasEdns: false,
    },
  );
  const edns = readDnsQuery(withEdns)!;
  assert.deepEqual([edns.maxBytes, edns.hasEdns], [4096, true]);
});

for (const [why, hex] of [
  ['too short', '1234'],
  ['an answer', '123481000001000000000000035765620000010001'],
  ['no question', '123401000000000000000000'],
  ['two questions', '123401000002000000000000035765620000010001'],
  ['a pointer in the name', '123401000001000000000000c00c00010001'],
  ['a name that does not end', '1234010000010000000000000357656203'],
  ['no type', '1234010000010000000000000357656200'],
] as const) {
  test(`no question: ${why}`, () => assert.equal(readDnsQuery(Buffer.from(hex, 'hex')), undefined));
}

test('addresses and names are answered with the question repeated', () => {
  const query = readDnsQuery(plain)!;
  const answers = [{ type: 'address', bytes: Uint8Array.of(172, 17, 0, 2) }] as const;
  const answer = writeDnsAnswer(query, { answers, ttlSeconds: 600 }, 512);
  const expected = '123481800001000100000000' + '03777777035765620000010001' + 'c00c0001000100000258' + '0004ac110002';
  assert.equal(answer.toString('hex'), expected);
  assert.ok(isAnswerTo(answer, 0x1234, query.question));
  assert.ok(!isAnswerTo(answer, 0x1235, query.question));
  assert.ok(!isAnswerTo(plain, 0x1234, query.question));
  const name = writeDnsAnswer(query, { answers: [{ type: 'name', name: 'web.mine' }] }, 512);
  assert.ok(name.toString('hex').endsWith('000a03776562046d696e6500'));
});

test('an answer that is too long is cut and says so', () => {
  const query = readDnsQuery(plain)!;
  const answers = Array.from({ length: 40 }, () => ({ type: 'address', bytes: Uint8Array.of(1, 2, 3, 4) }) as const);
  const answer = writeDnsAnswer(query, { answers }, 512);
  assert.equal(answer.readUInt16BE(2) & 0x200, 0x200);
  assert.equal(answer.readUInt16BE(6), 0);
  assert.equal(writeDnsAnswer(query, { answers }, 65535).readUInt16BE(6), 40);
});

test('a refusal with EDNS has EDNS', () => {
  const answer = writeDnsAnswer(readDnsQuery(withEdns)!, { code: dnsCode.noName }, 512);
  assert.deepEqual([answer.readUInt16BE(2) & 15, answer.readUInt16BE(10)], [3, 1]);
});

test('reverse names', () => {
  assert.deepEqual(addressOfReverseName('2.0.17.172.in-addr.arpa'), Uint8Array.of(172, 17, 0, 2));
  assert.equal(addressOfReverseName('2.0.17.372.in-addr.arpa'), undefined);
  assert.equal(addressOfReverseName('web'), undefined);
  const six = `${'1.' + '0.'.repeat(31)}ip6.arpa`;
  assert.equal(Buffer.from(addressOfReverseName(six)!).toString('hex'), `${'0'.repeat(31)}1`);
});

test('no bytes make the reader throw', () => {
  let state = 20261127;
  const next = (below: number): number => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return (state >>> 8) % below;
  };
  const until = performance.now() + 200;
  while (performance.now() < until) {
    const bytes = Buffer.from(next(2) === 0 ? plain : withEdns);
    for (let change = next(5); change >= 0; change--) bytes[next(bytes.length)] = next(256);
    const cut = bytes.subarray(0, next(bytes.length + 1));
    const query = readDnsQuery(cut);
    if (!query) continue;
    assert.ok(query.question.length <= cut.length);
    assert.ok(writeDnsAnswer(query, { code: dnsCode.serverFailure }, 512).length <= 512);
  }
});
