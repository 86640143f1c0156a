/** Completion scripts for shells, from the words of the command line. Names of objects are asked of skiff itself. */
import type { CommandWords, FlagWord } from './command-words.ts';

export const shells = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof shells)[number];

export function completionScript(shell: Shell, commands: readonly CommandWords[]): string {
  if (shell === 'fish') return fish(commands);
  return `${shell === 'zsh' ? '#compdef skiff\n' : ''}# Completion of ${shell} for skiff, made by 'skiff completion ${shell}'.
${table(commands)}
${walk(shell)}
${shell === 'zsh' ? ZSH : BASH}`;
}

/** A command's words by its path. In both shells' language. */
function table(commands: readonly CommandWords[]): string {
  const rows = commands.map(({ path, next, flags, objects }) => {
    const names = next.map(({ name }) => name).join(' ');
    const valued = flags.filter(({ takesValue }) => takesValue).flatMap(spellings);
    return `    '${path}') next='${names}' flags='${flags.flatMap(spellings).join(' ')}' valued=' ${valued.join(' ')} ' objects=${objects} ;;`;
  });
  return `_skiff_words() {
  case $1 in
${rows.join('\n')}
  esac
}
_skiff_objects() {
  case $1 in
    containers) skiff ps -a --format '{{.Names}}' 2>/dev/null ;;
    images) skiff images --format '{{.Repository}}:{{.Tag}}' 2>/dev/null ;;
    contexts) skiff context ls -q 2>/dev/null ;;
    volumes) skiff volume ls -q 2>/dev/null ;;
  esac
}`;
}

const spellings = ({ name, short }: FlagWord): string[] => [`--${name}`, ...(short === undefined ? [] : [`-${short}`])];

/**
 * Finds the command among the words before the one that is being typed; both shells' lists are its arguments. A variable
 * `path` would be zsh's PATH.
 */
function walk(shell: Shell): string {
  const files = shell === 'zsh' ? '_files' : 'compopt -o default';
  return `_skiff_reply() {
  local word=$1 command= skip= each next flags valued objects
  shift
  _skiff_words ''
  for each in "$@"; do
    if [ -n "$skip" ]; then
      skip=
      continue
    fi
    case $each in
      -*=*) ;;
      -*) case $valued in *" $each "*) skip=1 ;; esac ;;
      *)
        case " $next " in
          *" $each "*)
            command="\${command:+$command }$each"
            next= flags= valued= objects=files
            _skiff_words "$command"
            ;;
        esac
        ;;
    esac
  done
  if [ -n "$skip" ]; then
    ${files}
  elif [ "\${word#-}" != "$word" ]; then
    _skiff_offer "$word" "$flags"
  elif [ -n "$next" ]; then
    _skiff_offer "$word" "$next"
  elif [ "$objects" = files ]; then
    ${files}
  else
    _skiff_offer "$word" "$(_skiff_objects "$objects")"
  fi
}`;
}

const BASH = `_skiff_offer() { COMPREPLY=($(compgen -W "$2" -- "$1")); }
_skiff() {
  COMPREPLY=()
  _skiff_reply "\${COMP_WORDS[COMP_CWORD]}" "\${COMP_WORDS[@]:1:COMP_CWORD-1}"
}
complete -F _skiff skiff
`;

const ZSH = `_skiff_offer() { compadd -- \${=2}; }
_skiff() { _skiff_reply "\${words[CURRENT]}" "\${(@)words[2,CURRENT-1]}"; }
if [ "\${funcstack[1]}" = _skiff ]; then _skiff "$@"; else compdef _skiff skiff; fi
`;

function fish(commands: readonly CommandWords[]): string {
  const quoted = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
  const lines: string[] = [];
  for (const { path, next, flags, objects } of commands) {
    const at = `-n ${quoted(`__skiff_at ${path === '' ? "''" : `"${path}"`}`)}`;
    for (const { name, help } of next) lines.push(`complete -c skiff ${at} -f -a ${name} -d ${quoted(help)}`);
    for (const { name, short, takesValue, help } of flags) {
      const letter = short === undefined ? '' : ` -s ${short}`;
      lines.push(`complete -c skiff ${at} -l ${name}${letter}${takesValue ? ' -r' : ''} -d ${quoted(help)}`);
    }
    const source = fishObjects[objects];
    if (source !== undefined) lines.push(`complete -c skiff ${at} -f -a ${quoted(`(${source} 2>/dev/null)`)}`);
  }
  const paths = commands.map(({ path }) => quoted(path)).join(' ');
  return `# Completion of fish for skiff, made by 'skiff completion fish'.
set -g __skiff_paths ${paths}
# Whether the words before the one that is being typed are those of this command.
function __skiff_at
  set -l path ''
  for each in (commandline -opc)[2..-1]
    set -l longer (string trim -- "$path $each")
    contains -- "$longer" $__skiff_paths; and set path $longer
  end
  test "$path" = "$argv[1]"
end
${lines.join('\n')}
`;
}

const fishObjects: Readonly<Partial<Record<CommandWords['objects'], string>>> = {
  containers: "skiff ps -a --format '{{.Names}}'",
  images: "skiff images --format '{{.Repository}}:{{.Tag}}'",
  contexts: 'skiff context ls -q',
  volumes: 'skiff volume ls -q',
};
