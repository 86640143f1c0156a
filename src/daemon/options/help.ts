/** The help of the daemon's command line, made from its table. */
import { type Program } from '../config.ts';
import { options } from './table.ts';

const TEXT_COLUMN = 40;

export function daemonHelp(program: Program): string {
  const lines = options
    .filter(({ treatment, only }) => treatment === 'honoured' && only !== 'file')
    .map(({ flag, short, kind, help }) => {
      const name = `  ${short === undefined ? '    ' : `-${short}, `}--${flag} ${kind.placeholder}`.trimEnd();
      return `${name.padEnd(TEXT_COLUMN)}${help}`;
    });
  const without = options.filter(({ treatment }) => treatment === 'noted').map(({ flag }) => flag);
  return `Usage: ${program.name} [OPTIONS]

The Skiff daemon, in the foreground. Prints one line "API listen on …" when it is ready.

Options are also read from ${program.configFile}, where lists have their plural name; an option stands in one of the
two places. SIGHUP reads the file again.

Options:
${lines.join('\n')}
  -v, --version                         Print the version and exit
      --help                            Print this

Understood, and without effect: ${without.join(', ')}.
`.replaceAll(/^(Understood.*)$/gm, wrapped);
}

function wrapped(line: string): string {
  return line.replaceAll(/(.{1,115})(?: |$)/g, '$1\n').trimEnd();
}
