/**
 * A host whose iptables drop what no rule of its FORWARD chain accepts (ufw, dockerd beside us): a packet has to be accepted
 * by everybody's tables, so rules for our bridges are added at the end of that chain. What the chain itself refuses stays
 * refused, and what may be forwarded at all our own table decides.
 */
import { accept, inputIs, NftBatch, nftFamily, outputIs } from '#wire';
import type { HostNetwork } from './host-network.ts';

/** As iptables-nft and ip6tables-nft name them. */
const TABLE = 'filter';
const CHAIN = 'FORWARD';

/** Makes the chain agree: rules for these bridges where its policy is to drop, and none of ours for any other. */
export async function acceptForwarding(host: HostNetwork, owner: string, bridges: readonly string[]): Promise<void> {
  const comment = `skiff ${owner}`;
  for (const family of [nftFamily.ipv4, nftFamily.ipv6]) {
    const policy = await host.chainPolicy(family, TABLE, CHAIN);
    if (policy === undefined) continue;
    const before = (await host.rules(family, TABLE, CHAIN)).filter((rule) => rule.comment === comment);
    const wanted = policy === 'drop' ? bridges : [];
    if (before.length === 0 && wanted.length === 0) continue;
    const batch = new NftBatch(family, TABLE);
    for (const { handle } of before) batch.deleteRule(CHAIN, handle);
    for (const name of wanted) {
      batch.commentedRule(CHAIN, comment, ...inputIs(name), accept());
      batch.commentedRule(CHAIN, comment, ...outputIs(name), accept());
    }
    await host.filter("cannot add to iptables' FORWARD chain", batch);
  }
}
