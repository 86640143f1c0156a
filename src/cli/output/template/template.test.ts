import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compileTemplate } from './template.ts';

const data = {
  Name: '/web',
  Empty: '',
  Zero: 0,
  Null: null,
  Big: 9223372036854775807n,
  State: { Running: true, Pid: 5, Status: 'running' },
  Labels: { b: '2', a: '1' },
  Env: ['A=1', 'B=2'],
  None: [],
  Nested: [
    { Name: 'x', Tags: ['t1', 't2'] },
    { Name: 'y', Tags: [] },
  ],
  Greet: (who: string, again = '') => `hello ${who}${again}`,
};

const openMaps = new Set(['Labels']);
const nullText = (field: string): string => (field === 'Null' ? '[]' : '<nil>');

function check(source: string, expected: string) {
  test(`template ${JSON.stringify(source)}`, () => {
    assert.equal(compileTemplate(source, { openMaps, nullText }).execute(data), expected);
  });
}

check('', '');
check('plain } text {', 'plain } text {');
check('{{.Name}}', '/web');
check('a{{ .Name }}b', 'a/webb');
check('{{.State.Pid}}', '5');
check('{{$.State.Pid}}', '5');
check('{{.Labels}}', 'map[a:1 b:2]');
check('{{.Env}}', '[A=1 B=2]');
check('{{.Nested}}', '[map[Name:x Tags:[t1 t2]] map[Name:y Tags:[]]]');
check('{{.State}}', 'map[Pid:5 Running:true Status:running]');
check('{{.Big}}', '9223372036854775807');
check('{{.Null}}', '[]');
check('{{.Labels.zz}}', '<no value>');
check('{{json .State}}', '{"Running":true,"Pid":5,"Status":"running"}');
check('{{json .Big}}', '9223372036854775807');
check('{{json .Null}}', 'null');
check('{{json "<&>"}}', '"<&>"');
check('{{.State | json}}', '{"Running":true,"Pid":5,"Status":"running"}');
check('{{index .Labels "a"}}', '1');
check('{{index .Labels "zz"}}', '');
check('{{index .Nested 0 "Tags" 1}}', 't2');
check('{{(index .Nested 1).Name}}', 'y');
check('{{len .Env}}{{len .Name}}{{len .Labels}}{{len .Null}}', '2420');
check('{{join .Env ","}}', 'A=1,B=2');
check('{{split "a:b" ":"}}', '[a b]');
check('{{upper "ab"}}{{lower "AB"}}{{title "ab cd"}}', 'ABabAb Cd');
check('{{pad "x" 1 2}}|{{truncate "abcdef" 3}}', ' x  |abc');
check('{{slice .Name 1}} {{slice .Env 0 1}}', 'web [A=1]');
check('{{if .State.Running}}up{{else}}down{{end}}', 'up');
check('{{if .Empty}}a{{else if .Zero}}b{{else if .Null}}c{{else}}d{{end}}', 'd');
check('{{if and .Name .Env}}yes{{end}}{{if or .Empty .None}}no{{end}}{{if not .Empty}}!{{end}}', 'yes!');
check('{{and .Empty .Name.NotThere}}', '');
check('{{or .Empty .Name}}', '/web');
check('{{with .State}}{{.Pid}}{{$.Name}}{{end}}{{with .Empty}}x{{else}}none{{end}}', '5/webnone');
check('{{range .Env}}{{.}};{{end}}', 'A=1;B=2;');
check('{{range $i, $e := .Env}}{{$i}}={{$e}} {{end}}', '0=A=1 1=B=2 ');
check('{{range $k, $v := .Labels}}{{$k}}{{$v}}{{end}}', 'a1b2');
check('{{range $v := .Labels}}{{$v}}{{end}}', '12');
check('{{range .None}}x{{else}}nothing{{end}}', 'nothing');
check('{{range 3}}{{.}}{{end}}', '012');
check('{{range .Env}}{{if eq . "B=2"}}{{break}}{{end}}{{.}}{{end}}', 'A=1');
check('{{range .Env}}{{if eq . "A=1"}}{{continue}}{{end}}{{.}}{{end}}', 'B=2');
check('{{range .Nested}}{{.Name}}:{{range .Tags}}{{.}}{{else}}-{{end}} {{end}}', 'x:t1t2 y:- ');
check('{{$x := .Name}}{{$x}}', '/web');
check('{{$x := 1}}{{if true}}{{$x = 2}}{{end}}{{$x}}', '2');
check('{{$x := 1}}{{if true}}{{$x := 2}}{{$x}}{{end}}{{$x}}', '21');
check('{{range $i, $e := .Env}}{{if $i}}, {{end}}{{$e}}{{end}}', 'A=1, B=2');
check('{{eq .State.Pid 5}} {{ne .Name "x"}} {{lt 1 2}} {{ge 2 2}} {{eq .Name "a" "/web"}}', 'true true true true true');
check(
  '{{printf "%s-%d|%5d|%-3s|%05.1f|%q|%v|%x|%%" .Name .State.Pid 7 "a" 3.14159 "q" .Env 255}}',
  '/web-5|    7|a  |003.1|"q"|[A=1 B=2]|ff|%',
);
check('{{printf "%d" "x"}} {{printf "%s"}} {{printf "a" 1}}', '%!d(string=x) %!s(MISSING) a%!(EXTRA int=1)');
check('{{print 1 2 "x" 3}}{{println "a" 1}}', '1 2x3a 1\n');
check('{{print "a" "b"}}', 'ab');
check('x  {{- .Name -}}  y', 'x/weby');
check('a{{/* comment */}}b', 'ab');
check('a {{- /* comment */ -}} b', 'ab');
check('{{"quoted \\"x\\" \\t"}}{{`raw \\t`}}', 'quoted "x" \traw \\t');
check('{{.Greet "you"}}', 'hello you');
check('{{.Greet "you" "!"}}', 'hello you!');
check('{{"you" | .Greet}}', 'hello you');
check('{{true}}{{false}}{{1.5}}{{-3}}', 'truefalse1.5-3');
check('{{(.State).Pid}}', '5');
check('{{if eq .State.Status "running" "paused"}}live{{end}}', 'live');

function refuses(source: string, message: string) {
  test(`template ${JSON.stringify(source)} is refused`, () => {
    assert.throws(() => compileTemplate(source, { openMaps }).execute(data), { name: 'TemplateError', message });
  });
}

refuses('{{', ':1: unclosed action');
refuses('a\n{{.X', ':2: unclosed action');
refuses('{{"a}}', ':1: unterminated quoted string');
refuses('{{end}}', ':1: unexpected {{end}}');
refuses('{{else}}', ':1: unexpected {{else}}');
refuses('{{if}}x{{end}}', ':1: missing value for if');
refuses('{{if .Name}}x', ':1: unexpected EOF');
refuses('{{}}', ':1: missing value for command');
refuses('{{foo}}', ':1: function "foo" not defined');
refuses('{{html .Name}}', `:1: function "html" is not in Skiff's templates`);
refuses('{{define "x"}}{{end}}', `:1: {{define}} is not in Skiff's templates: write it out where it is used`);
refuses('{{$x}}', ':1: undefined variable "$x"');
refuses('{{if true}}{{$y := 1}}{{end}}{{$y}}', ':1: undefined variable "$y"');
refuses('{{$x = 1}}', ':1: undefined variable "$x"');
refuses('{{break}}', ':1: {{break}} outside {{range}}');
refuses('{{.Name | "x"}}', ':1: non executable command in pipeline stage 2');
refuses('{{(.Name}}', ':1: unclosed left paren in command');
refuses('{{.Name )}}', ':1: unexpected <)> in command');
refuses('{{#}}', ':1: unexpected "#" in command');
refuses('{{.Foo}}', 'at <.Foo>: map has no entry for key "Foo"');
refuses('{{.constructor}}', 'at <.constructor>: map has no entry for key "constructor"');
refuses('{{.State.Foo}}', 'at <.State.Foo>: map has no entry for key "Foo"');
refuses('{{.Name.Foo}}', "at <.Name.Foo>: can't evaluate field Foo in a string");
refuses('{{.Null.Foo}}', 'at <.Null.Foo>: nil has no field Foo');
refuses('{{.Name "x"}}', 'at <.Name>: it has arguments but is not a function');
refuses('{{index .Env 5}}', 'error calling index: index out of range: 5');
refuses('{{len 5}}', 'error calling len: len of type number');
refuses('{{json}}', 'error calling json: wrong number of args: want 1 got 0');
refuses('{{upper 5}}', 'error calling upper: wrong type for value; expected string; got number');
refuses('{{lt 1 "a"}}', 'error calling lt: incompatible types for comparison');
refuses('{{range .Name}}{{end}}', "range can't iterate over /web");
