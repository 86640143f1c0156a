/** Everything networks can refuse, in Docker's own words where Docker has some. */
import { defineErrors } from '#base';

export const errors = defineErrors('network', {
  noSuch: { kind: 'not-found', message: (ref: string) => `network ${ref} not found` },
  ambiguous: {
    kind: 'invalid',
    message: (ref: string, count: number) => `network ${ref} is ambiguous (${count} matches found based on ID prefix)`,
  },
  nameTaken: { kind: 'conflict', message: (name: string) => `network with name ${name} already exists` },
  badName: {
    kind: 'invalid',
    message: (name: string) =>
      name.trim() === ''
        ? 'invalid network name: name is empty'
        : `invalid network name ${JSON.stringify(name)}: use letters, digits, '_', '.' and '-', the first one a letter or digit`,
  },
  predefined: {
    kind: 'forbidden',
    message: (name: string) => `operation is not permitted on predefined ${name} network `,
  },
  cannotRemovePredefined: {
    kind: 'forbidden',
    message: (name: string) => `${name} is a pre-defined network and cannot be removed`,
  },
  inUse: {
    kind: 'forbidden',
    message: (name: string, id: string) =>
      `error while removing network: network ${name} id ${id} has active endpoints`,
  },
  noDriver: {
    kind: 'not-found',
    message: (name: string) => `could not find plugin ${name} in v1 plugin registry: plugin not found`,
  },
  onlyOne: { kind: 'forbidden', message: (driver: string) => `only one instance of "${driver}" network is allowed` },
  invalid: { kind: 'invalid', message: (what: string) => what },
  unsupported: {
    kind: 'not-implemented',
    message: (what: string, hint: string) => `${what} is not supported by this version of Skiff: ${hint}`,
  },
  severalSubnets: {
    kind: 'forbidden',
    message: (driver: string) => `${driver} driver doesn't support multiple subnets`,
  },
  noConfig: {
    kind: 'not-found',
    message: (name: string) => `configuration network "${name}" does not exist`,
  },
  configInUse: {
    kind: 'forbidden',
    message: (name: string) => `error while removing network: configuration network "${name}" is in use`,
  },
  configFields: {
    kind: 'forbidden',
    message: () =>
      'configuration network can only contain network specific fields. Network operator fields like [ ingress | internal | attachable | scope ] are not supported.',
  },
  configOfConfig: {
    kind: 'forbidden',
    message: () => 'a configuration network cannot depend on another configuration network',
  },
  configTwice: {
    kind: 'forbidden',
    message: () => 'user specified configurations are not supported if the network depends on a configuration network',
  },
  configEndpoint: { kind: 'forbidden', message: () => 'cannot create endpoint on configuration-only network' },
  noRateIn: {
    kind: 'not-implemented',
    message: (network: string, driver: string) =>
      `a limit of what is received (rate-in) is not supported by this version of Skiff on network ${network}: ${driver} interfaces have no other end on the host; limit rate-out of those who send`,
  },
  noEndpointOption: {
    kind: 'invalid',
    message: (name: string, known: string) => `unknown driver option "${name}" of an endpoint: there is ${known}`,
  },
  overlaps: {
    kind: 'forbidden',
    message: (subnet: string, other: string) =>
      `invalid pool request: Pool overlaps with other one on this address space: ${subnet} and ${other}`,
  },
  noPool: {
    kind: 'invalid',
    message: (tried: number, collisions: string) =>
      `all predefined address pools have been fully subnetted: of ${tried} networks each collides (${collisions}); give a subnet with --subnet`,
  },
  noAddress: {
    kind: 'invalid',
    message: (subnet: string) => `no available IPv4 addresses on this network's address pools: ${subnet}`,
  },
  addressTaken: { kind: 'forbidden', message: (address: string) => `Address already in use: ${address}` },
  outsideSubnet: {
    kind: 'invalid',
    message: (address: string, network: string) =>
      `invalid endpoint settings: no configured subnet or ip-range of network ${network} contains the IP address ${address}`,
  },
  staticAddress: {
    kind: 'invalid',
    message: () =>
      'user specified IP address is supported only when connecting to networks with user configured subnets',
  },
  staticOnDefault: {
    kind: 'invalid',
    message: () => 'user specified IP address is supported on user defined networks only',
  },
  aliasOnDefault: {
    kind: 'invalid',
    message: () => 'network-scoped alias is supported only for containers in user defined networks',
  },
  portTaken: {
    kind: 'internal',
    message: (address: string, port: number, holder: string) =>
      `failed to set up container networking: Bind for ${address}:${port} failed: port is already allocated: port ${port} is already taken by ${holder}`,
  },
  noSctpRelay: {
    kind: 'not-implemented',
    message: (port: number) =>
      `publishing ${port}/sctp is not supported by this version of Skiff with --publish-mode=listen: use forward`,
  },
  noPort: {
    kind: 'internal',
    message: (from: number, to: number) => `all ports from ${from} to ${to} are allocated`,
  },
  badAddress: {
    kind: 'internal',
    message: (address: string, why: string) =>
      `failed to set up container networking: cannot publish on ${address}: ${why}: give an address of this host`,
  },
  kernel: {
    kind: 'internal',
    message: (what: string, errno: string) => `${what}: the kernel says ${errno}`,
  },
  noInterface: { kind: 'invalid', message: (name: string) => `the host has no interface ${name}` },
  bridgeMissing: {
    kind: 'internal',
    message: (name: string, network: string) =>
      `the bridge ${name} of network ${network} is gone and could not be made again`,
  },
  isolatedHost: {
    kind: 'invalid',
    message: () =>
      'container sharing network namespace with another container or host cannot be connected to any other network',
  },
  alreadyConnected: {
    kind: 'forbidden',
    message: (container: string, network: string) =>
      `endpoint with name ${container} already exists in network ${network}`,
  },
});
