/** `skiff events`: what happens, as it happens. */
import type { EventMessage } from '#specs';
import { defineCommand } from '../command.ts';
import { filterList, text } from '../flag-types.ts';
import { reportingTemplateErrors } from '../output/rows.ts';
import { compileTemplate } from '../output/template/template.ts';
import { localTimeNs, toUnixTime } from '../output/times.ts';

export const events = defineCommand({
  usage: '[OPTIONS]',
  summary: 'Show what happens, as it happens, until interrupted',
  flags: {
    filter: filterList({ short: 'f', help: 'Only those that match, such as event=die, container=web, label=a=b' }),
    format: text({ help: "'json' or 'TEMPLATE', such as '{{.Action}} {{.Actor.ID}}'" }),
    since: text({ help: 'Also what happened since this time, or since so long ago (10m)' }),
    until: text({ help: 'Up to this time' }),
  },
  arguments: [0, 0],
  run: async (context, { flags }) => {
    const show = formatter(flags.format);
    const stream = context.client().system.events({
      filters: flags.filter,
      since: flags.since === '' ? undefined : toUnixTime(flags.since, 'since'),
      until: flags.until === '' ? undefined : toUnixTime(flags.until, 'until'),
    });
    for await (const event of stream) context.print(show(event));
    return 0;
  },
});

function formatter(format: string): (event: EventMessage) => string {
  if (format === '') return describeEvent;
  const template = reportingTemplateErrors(() =>
    compileTemplate(format === 'json' ? '{{json .}}' : format, { openMaps: new Set(['Attributes']) }),
  );
  return (event) => reportingTemplateErrors(() => template.execute(withFields(event)));
}

/** compat: names Docker has for parts of an event in templates, though not in JSON. */
function withFields(event: EventMessage): EventMessage {
  const { status = '', id = '', from = '', scope = '', time, timeNano } = event;
  const fields = { Status: status, ID: id, From: from, Scope: scope, Time: time, TimeNano: timeNano };
  const hidden = Object.entries(fields).map(([name, value]) => [name, { value }] as const);
  return Object.defineProperties({ ...event }, Object.fromEntries(hidden));
}

/** `2026-01-02T03:04:05.000000000Z container start ID (image=…, name=…)`. */
export function describeEvent({ timeNano, Type, Action, Actor }: EventMessage): string {
  const attributes = Object.entries(Actor.Attributes ?? {})
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name}=${value}`);
  const details = attributes.length === 0 ? '' : ` (${attributes.join(', ')})`;
  return `${localTimeNs(BigInt(timeNano))} ${Type} ${Action} ${Actor.ID}${details}`;
}
