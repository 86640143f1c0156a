/** Fields that came or went with a version of the API: there from one version on, or until another, and not a day longer. */
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { useDaemon } from '../support/daemon.ts';
import { missing } from '../support/needs.ts';
import { valueAt } from './engine-api/body-fields.ts';

const OLDEST = 24;
const NEWEST = 55;

describe('versions of the API', { skip: missing('root', 'busybox') }, () => {
  const daemon = useDaemon();

  before(async () => {
    await daemon.containers.begin({ Cmd: ['sleep', '600'], HostConfig: { NetworkMode: 'none' } }, 'box');
  });

  /** The field at each version; a list's is that of its first element. */
  const at = async (version: number, request: string, field: string): Promise<unknown> => {
    const past = String(Math.floor(Date.now() / 1000));
    const { text } = await daemon.http.call('GET', `/v1.${version}${request.replace('PAST', past)}`);
    const value = JSON.parse(text.split('\n', 1)[0]!) as unknown;
    return valueAt(Array.isArray(value) ? value[0] : value, field);
  };

  const between = (from: number, until: number, request: string, ...fields: readonly string[]): void => {
    for (const field of fields) {
      test(`${request} has ${field} from 1.${from} until 1.${until}`, async () => {
        for (const version of new Set([OLDEST, from - 1, from, until, until + 1, NEWEST])) {
          if (version < OLDEST || version > NEWEST) continue;
          const isThere = (await at(version, request, field)) !== undefined;
          assert.equal(isThere, version >= from && version <= until, `1.${version}`);
        }
      });
    }
  };

  const inspect = '/containers/box/json';
  between(OLDEST, 41, inspect, 'HostConfig.KernelMemory', 'HostConfig.KernelMemoryTCP');
  between(OLDEST, 51, inspect, 'NetworkSettings.Bridge', 'NetworkSettings.IPAddress', 'Config.OnBuild');
  between(52, NEWEST, '/containers/json', 'Health');
  between(OLDEST, 43, '/images/json', 'VirtualSize');
  between(OLDEST, 43, '/images/busybox/json', 'VirtualSize');
  between(OLDEST, 44, '/images/busybox/json', 'Container', 'ContainerConfig');
  between(OLDEST, 49, '/images/busybox/json', 'Config.Hostname', 'Config.AttachStdin', 'Config.Image');
  between(OLDEST, 51, '/images/busybox/json', 'Config.Env', 'Config.Volumes', 'Parent', 'Author', 'DockerVersion');
  between(OLDEST, 24, '/info', 'ExecutionDriver');
  between(OLDEST, 41, '/info', 'KernelMemory', 'KernelMemoryTCP');
  between(OLDEST, 48, '/info', 'RuncCommit.Expected', 'RegistryConfig.AllowNondistributableArtifactsCIDRs');
  between(OLDEST, 49, '/info', 'BridgeNfIptables', 'BridgeNfIp6tables');
  between(OLDEST, 41, '/system/df', 'BuilderSize');
  between(OLDEST, 52, '/system/df', 'LayersSize', 'Images', 'Containers', 'Volumes', 'BuildCache');
  between(52, NEWEST, '/system/df', 'ImageUsage', 'ContainerUsage', 'VolumeUsage', 'BuildCacheUsage');
  between(52, NEWEST, '/containers/box/stats?stream=0&one-shot=1', 'os_type');
  between(OLDEST, 51, '/events?since=0&until=PAST', 'status', 'id');

  test('images tell how many containers they have since 1.51', async () => {
    assert.equal(await at(50, '/images/json', 'Containers'), -1);
    assert.equal(await at(51, '/images/json', 'Containers'), 1);
  });

  test('1.52 tells sizes in both ways, unless all is asked for', async () => {
    const request = '/system/df?verbose=1';
    assert.equal(await at(52, request, 'LayersSize'), undefined);
    assert.equal(((await at(52, request, 'ImageUsage.Items')) as object[]).length, 1);
  });
});
