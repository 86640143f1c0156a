import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatRows } from './rows.ts';

const rows = [
  { ID: '1', Name: 'web', Label: (name: string) => `<${name}>` },
  { ID: '22', Name: 'a longer one', Label: () => '' },
];
const headers = { ID: 'ID', Name: 'NAMES', Label: (name: string) => name };

function check(format: string, expected: string, quiet = false) {
  test(`formatRows() with ${quiet ? '-q and ' : ''}'${format}'`, () => {
    const options = { format, headers, quiet: { on: quiet, field: 'ID' as const }, table: '{{.ID}}\t{{.Name}}' };
    assert.equal(formatRows(rows, options), expected);
  });
}

check('', 'ID        NAMES\n1         web\n22        a longer one\n');
check('table', 'ID        NAMES\n1         web\n22        a longer one\n');
check('', '1\n22\n', true);
check('{{.Name}}', 'web\na longer one\n', true);
check('json', '{"ID":"1","Name":"web"}\n{"ID":"22","Name":"a longer one"}\n');
check('table {{.Name}}\\t{{.Label "x"}}', 'NAMES          x\nweb            <x>\na longer one   \n');
check('table {{.Name}} {{upper .ID}}', 'NAMES ID\nweb 1\na longer one 22\n');
check('{{.ID}}\\t{{.Name}}', '1\tweb\n22\ta longer one\n');
check('table {{json .Name}}', 'NAMES\n"web"\n"a longer one"\n');

test('formatRows() names what rows do not have', () => {
  const options = { format: '{{.Nope}}', headers, table: '{{.ID}}' };
  assert.throws(() => formatRows(rows, options), {
    message: 'template parsing error: template: at <.Nope>: map has no entry for key "Nope"',
    exitCode: 1,
  });
});

test('formatRows() refuses a wrong template even when there are no rows', () => {
  assert.throws(() => formatRows([], { format: '{{foo}}', headers, table: '' }), /function "foo" not defined/);
});
