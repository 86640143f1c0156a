/**
 * Bytes and values, both ways, pure: tar, netlink, nftables, DNS, BPF, protobuf, multiplexed logs.
 */
export {
  decodeClassic,
  disassembleClassic,
  encodeClassic,
  type Instruction,
  MAX_INSTRUCTIONS,
} from './bpf/classic.ts';
export { deviceProgram } from './bpf/device.ts';
export {
  ALL_ACCESS,
  type DeviceRule,
  type DeviceRuleInput,
  deviceAccess,
  parseDeviceRules,
} from './bpf/device-rules.ts';
export { decodeExtended, type ExtendedInstruction, runExtended } from './bpf/ebpf.ts';
export { loadClassic, type RunResult, runClassic, type SeccompData, verifyClassic } from './bpf/interpreter.ts';
export { compileSeccomp, type SeccompProgram, type SyscallTables, seccompFlags } from './bpf/seccomp.ts';
export {
  type SeccompFilter,
  type SeccompFilterArg,
  type SeccompFilterRule,
  type SyscallTable,
  seccompReturns,
} from './bpf/seccomp-rules.ts';
export { decodeMessagePack, EventTime, encodeMessagePack, eventTime, type MessagePackValue } from './message-pack.ts';
export {
  commandFrames,
  type CommandFrame,
  type CommandLine,
  doorFrames,
  encodeFrame,
  type Frame,
  FrameReader,
  readCommandLine,
} from './command-frames.ts';
export { DEFAULT_DETACH_KEYS, DetachKeys, parseDetachKeys } from './detach-keys.ts';
export { compareListed, isListedPath, MAX_LISTED } from './file-listing.ts';
export { goModeOf, permissionsOfGoMode, typeOfGoMode } from './go-file-mode.ts';
export { Demultiplexer, frame, streamNumber } from './multiplex.ts';
export {
  type ByteString,
  byteString,
  bytesOf,
  insidePath,
  shown,
  type TarEntry,
  type TarEntryType,
} from './tar/entry.ts';
export { TarReader, type TarSink } from './tar/reader.ts';
export { encodeTarEntry, TAR_END, tarEntry, tarPadding } from './tar/writer.ts';
export { opcodes, webSocketFrame, WebSocketReader, WebSocketViolation } from './websocket.ts';
export { addressFamily, ipBytes, ipFamily, ipText, macBytes, macText } from './netlink/address-bytes.ts';
export { AttributeWriter, messageFlags, NetlinkBatch, netlinkProtocol } from './netlink/batch.ts';
export {
  addBridge,
  addIpvlan,
  addMacvlan,
  addVeth,
  addVlan,
  type BridgeLink,
  deleteLink,
  getLinks,
  type IpvlanLink,
  type Link,
  type MacvlanLink,
  readLinks,
  setBridgePort,
  setLinkUp,
  type VethPair,
  type VlanLink,
} from './netlink/links.ts';
export { type NetlinkMessage, readAttributes, readMessages, readText } from './netlink/reply.ts';
export {
  addAddress,
  addRoute,
  getAddresses,
  getRoutes,
  type InterfaceAddress,
  type Route,
  type RouteWish,
  readAddresses,
  readRoutes,
  replaceRoute,
} from './netlink/routes.ts';
export { limitRate, type RateLimit, unlimitRate } from './netlink/traffic.ts';
export {
  type BaseChain,
  NftBatch,
  type NftElement,
  type NftSet,
  type NftType,
  nftFamily,
  nftHook,
} from './nftables/batch.ts';
export { interfaceBytes, portBytes } from './nftables/keys.ts';
export { getChain, getRules, type NftRule, readChainPolicy, readRules } from './nftables/questions.ts';

export {
  accept,
  addressIn,
  connectionIsKnown,
  connectionIsPublished,
  destinationFromRegister,
  destinationIsLocal,
  destinationPortIs,
  destinationTo,
  drop,
  type Expression,
  familyIs,
  inputIn,
  inputIs,
  jump,
  loadPortKey,
  lookup,
  masquerade,
  outputIn,
  outputIs,
  outputIsNot,
  protocolIs,
} from './nftables/expressions.ts';
export {
  addressOfReverseName,
  type DnsAnswer,
  type DnsQuery,
  dnsCode,
  dnsType,
  isAnswerTo,
  readDnsQuery,
  writeDnsAnswer,
} from './dns/message.ts';
