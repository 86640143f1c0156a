import { writeFileSync } from 'node:fs';
import { Side } from './support/sides.ts';
import { writeFiles } from './differential/images-files.ts';
import { steps } from './differential/images-steps.ts';
const kinds = [
  { cli: 'docker', daemon: 'dockerd' },
  { cli: 'docker', daemon: 'skiffd' },
  { cli: 'skiff', daemon: 'skiffd' },
] as const;
const which = (process.argv[2] ?? '0,1,2').split(',').map(Number);
const sides: Side[] = [];
try {
  for (const i of which) {
    const s = new Side(kinds[i]!);
    sides.push(s);
    await s.start();
    await writeFiles(`${s.folder}/work`);
  }
  console.error('started', new Date());
  const all = [];
  for (const step of steps) {
    const outs = await Promise.all(
      sides.map(async (s) => {
        const t = performance.now();
        const o = await s.run(step);
        const ms = performance.now() - t;
        if (ms > 3000) console.error('slow', s.kind, step, ms);
        return o;
      }),
    );
    all.push({ step, outs });
  }
  const names = which.map((i) => 'ABC'[i]);
  let text = '';
  for (const { step, outs } of all) {
    const form = (o: any) => `status ${o.status}\n${o.stdout.trimEnd()}\n--- stderr\n${o.stderr.trimEnd()}`;
    const same = outs.map((o) => form(o) === form(outs[0]));
    if (same.every(Boolean)) {
      text += `== ${step}\n`;
      continue;
    }
    text += `\n######## ${step}\n`;
    outs.forEach((o, i) => {
      if (i > 0 && form(o) === form(outs[i - 1])) text += `[${names[i]}] same as ${names[i - 1]}\n`;
      else text += `[${names[i]}] ${form(o)}\n`;
    });
  }
  writeFileSync('/tmp/parity-out.txt', text);
  writeFileSync('/tmp/parity-out.json', JSON.stringify(all, null, 1));
} finally {
  for (const s of sides) await s[Symbol.asyncDispose]().catch((e) => console.error(String(e).slice(0, 2000)));
}
