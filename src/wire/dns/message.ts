/**
 * Questions and answers of the domain name system, as far as a name service for containers needs them: one question with
 * EDNS in, addresses and names out; what others answered is passed on as it is. spec: RFC 1035, RFC 6891.
 */
const HEADER_BYTES = 12;
const MAX_NAME_BYTES = 255;
const MAX_LABEL_BYTES = 63;
/** Before a record's data, with a pointer for its name. */
const RECORD_BYTES = 12;
const OPT_BYTES = 11;
/** What we take by UDP ourselves: DNS flag day 2020's. */
const EDNS_LIMIT = 1232;

export const dnsType = { a: 1, ptr: 12, aaaa: 28, opt: 41, any: 255 } as const;
export const dnsCode = { ok: 0, formatError: 1, serverFailure: 2, noName: 3, notImplemented: 4, refused: 5 } as const;
const CLASS_INTERNET = 1;

/** Bits of the header's second word. */
const FLAG = { response: 0x8000, truncated: 0x0200, recursionDesired: 0x0100, recursionAvailable: 0x0080 } as const;
const OPCODE_MASK = 0x7800;

export interface DnsQuery {
  readonly id: number;
  /** Other than 0 is no ordinary question. */
  readonly opcode: number;
  readonly recursionDesired: boolean;
  /** In lower case, without the dot at the end. */
  readonly name: string;
  readonly type: number;
  readonly class: number;
  /** The question as it came, to be repeated in the answer. */
  readonly question: Buffer;
  /** The longest answer it takes by UDP; 512 without EDNS. */
  readonly maxBytes: number;
  readonly hasEdns: boolean;
}

/** Undefined for what is no question, or not exactly one. Never reads past the end, never follows a pointer. */
export function readDnsQuery(message: Buffer): DnsQuery | undefined {
  if (message.length < HEADER_BYTES) return undefined;
  const flags = message.readUInt16BE(2);
  if ((flags & FLAG.response) !== 0 || message.readUInt16BE(4) !== 1) return undefined;
  const name = readName(message, HEADER_BYTES);
  if (!name || name.end + 4 > message.length) return undefined;
  const edns = message.readUInt16BE(6) === 0 && message.readUInt16BE(8) === 0 && ednsBytes(message, name.end + 4);
  return {
    id: message.readUInt16BE(0),
    opcode: (flags & OPCODE_MASK) >> 11,
    recursionDesired: (flags & FLAG.recursionDesired) !== 0,
    name: name.text.toLowerCase(),
    type: message.readUInt16BE(name.end),
    class: message.readUInt16BE(name.end + 2),
    question: message.subarray(HEADER_BYTES, name.end + 4),
    maxBytes: edns === false || edns === undefined ? 512 : Math.max(512, edns),
    hasEdns: typeof edns === 'number',
  };
}

/** The size an OPT record right behind the question names. */
function ednsBytes(message: Buffer, at: number): number | undefined {
  const count = message.readUInt16BE(10);
  if (count === 0 || at + 11 > message.length || message[at] !== 0) return undefined;
  return message.readUInt16BE(at + 1) === dnsType.opt ? message.readUInt16BE(at + 3) : undefined;
}

function readName(message: Buffer, from: number): { readonly text: string; readonly end: number } | undefined {
  const labels: string[] = [];
  let at = from;
  for (;;) {
    const length = message[at];
    if (length === undefined || length > MAX_LABEL_BYTES || at - from > MAX_NAME_BYTES) return undefined;
    at += 1;
    if (length === 0) return { text: labels.join('.'), end: at };
    if (at + length > message.length) return undefined;
    labels.push(message.toString('latin1', at, at + length));
    at += length;
  }
}

export type DnsAnswer =
  | { readonly type: 'address'; readonly bytes: Uint8Array }
  | { readonly type: 'name'; readonly name: string };

/** An answer to a question; one that is longer than `maxBytes` is cut to none and says so. */
export function writeDnsAnswer(
  query: DnsQuery,
  {
    code = dnsCode.ok,
    answers = [],
    ttlSeconds = 0,
  }: {
    readonly code?: number;
    readonly answers?: readonly DnsAnswer[];
    readonly ttlSeconds?: number;
  },
  maxBytes: number,
): Buffer {
  const data = answers.map((answer) => (answer.type === 'name' ? nameBytes(answer.name) : answer.bytes));
  const ednsBytes = query.hasEdns ? OPT_BYTES : 0;
  const without = HEADER_BYTES + query.question.length + ednsBytes;
  const size = data.reduce((sum, each) => sum + RECORD_BYTES + each.length, without);
  const isCut = size > maxBytes;
  // In one piece: a busy name service writes ten thousand of them a second.
  const message = Buffer.alloc(isCut ? without : size);
  message.writeUInt16BE(query.id, 0);
  const desired = query.recursionDesired ? FLAG.recursionDesired : 0;
  const flags = FLAG.response | FLAG.recursionAvailable | desired | (isCut ? FLAG.truncated : 0) | (query.opcode << 11);
  message.writeUInt16BE(flags | code, 2);
  message.writeUInt16BE(1, 4);
  message.writeUInt16BE(isCut ? 0 : data.length, 6);
  message.writeUInt16BE(ednsBytes > 0 ? 1 : 0, 10);
  message.set(query.question, HEADER_BYTES);
  let at = HEADER_BYTES + query.question.length;
  for (const [index, bytes] of isCut ? [] : data.entries()) {
    // The name is the question's: a pointer to it.
    message.writeUInt16BE(0xc000 | HEADER_BYTES, at);
    const type = answers[index]!.type === 'name' ? dnsType.ptr : bytes.length === 4 ? dnsType.a : dnsType.aaaa;
    message.writeUInt16BE(type, at + 2);
    message.writeUInt16BE(CLASS_INTERNET, at + 4);
    message.writeUInt32BE(ttlSeconds, at + 6);
    message.writeUInt16BE(bytes.length, at + 10);
    message.set(bytes, at + RECORD_BYTES);
    at += RECORD_BYTES + bytes.length;
  }
  if (ednsBytes > 0) {
    message.writeUInt16BE(dnsType.opt, at + 1);
    message.writeUInt16BE(EDNS_LIMIT, at + 3);
  }
  return message;
}

function nameBytes(name: string): Buffer {
  const labels = name.split('.').filter((label) => label !== '');
  return Buffer.concat([
    ...labels.map((label) => {
      const bytes = Buffer.from(label, 'latin1').subarray(0, MAX_LABEL_BYTES);
      return Buffer.concat([Buffer.of(bytes.length), bytes]);
    }),
    Buffer.of(0),
  ]);
}

/** Whether an answer belongs to a question that was passed on under this id. */
export function isAnswerTo(message: Buffer, id: number, question: Buffer): boolean {
  return (
    message.length >= HEADER_BYTES + question.length &&
    message.readUInt16BE(0) === id &&
    (message.readUInt16BE(2) & FLAG.response) !== 0 &&
    message.readUInt16BE(4) === 1 &&
    message.subarray(HEADER_BYTES, HEADER_BYTES + question.length).equals(question)
  );
}

/** `4.3.2.1.in-addr.arpa` → 1.2.3.4, and the same of IPv6; undefined for any other name. */
export function addressOfReverseName(name: string): Uint8Array | undefined {
  const four = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.in-addr\.arpa$/.exec(name);
  if (four) {
    const bytes = four.slice(1).reverse().map(Number);
    return bytes.every((byte) => byte < 256) ? Uint8Array.from(bytes) : undefined;
  }
  const six = /^((?:[0-9a-f]\.){32})ip6\.arpa$/.exec(name);
  return six ? Buffer.from(six[1]!.split('.').reverse().join(''), 'hex') : undefined;
}
