import { expect, it } from 'vitest'
import { parseYaml } from './yaml.ts'

it('reads mappings, lists and scalars as configuration files have them', () => {
  const text = `
# a comment
cluster_name: 'Test Cluster'   # another
num_tokens: 16
initial_token:
auto_snapshot: true
listen_address: 127.0.0.1
ratio: 0.5
path: /var/lib#1
double: "a\\tb # c"
it: 'it''s'
seed_provider:
  # Addresses of hosts
  - class_name: org.apache.cassandra.locator.SimpleSeedProvider
    parameters:
      - seeds: "127.0.0.1:7000"
    more: x
data_file_directories:
- /a
- /b
empty_list: []
flow: [a, 'b, c', 3]
pairs: { x: 1, yy: [2, 3], z: a:b }
after: ~
`
  expect(parseYaml(text)).toEqual({
    cluster_name: 'Test Cluster',
    num_tokens: 16,
    initial_token: null,
    auto_snapshot: true,
    listen_address: '127.0.0.1',
    ratio: 0.5,
    path: '/var/lib#1',
    double: 'a\tb # c',
    it: "it's",
    seed_provider: [
      {
        class_name: 'org.apache.cassandra.locator.SimpleSeedProvider',
        parameters: [{ seeds: '127.0.0.1:7000' }],
        more: 'x',
      },
    ],
    data_file_directories: ['/a', '/b'],
    empty_list: [],
    flow: ['a', 'b, c', 3],
    pairs: { x: 1, yy: [2, 3], z: 'a:b' },
    after: null,
  })
  expect(parseYaml('')).toBeNull()
})

it('reads what YAML has beside that, as YAML 1.1', () => {
  const text = `
defaults: &some { a: 1 }
same: *some
merged:
  <<: *some
  b: yes
folded: >
  two
  lines
kept: |
  two
  lines
off: off
token: -9223372036854775808
tokens: [3074457345618258602, 1]
day: 2001-01-01
seed: 10.0.0.1:7000
six: fe80::1
`
  expect(parseYaml(text)).toEqual({
    defaults: { a: 1 },
    same: { a: 1 },
    merged: { a: 1, b: true },
    folded: 'two lines\n',
    kept: 'two\nlines\n',
    false: false,
    token: '-9223372036854775808',
    tokens: ['3074457345618258602', 1],
    day: '2001-01-01',
    seed: '10.0.0.1:7000',
    six: 'fe80::1',
  })
})

it.each([
  ['a: 1\na: 2', 'Invalid yaml: Map keys must be unique (line 2)'],
  [
    'a: 1\nb: [1, 2',
    'Flow sequence in block collection must be sufficiently indented and end with a ] (line 2)',
  ],
  ['a: "x', 'Missing closing "quote (line 1)'],
  ['a:\n\t- b', 'Tabs are not allowed as indentation (line 2)'],
  ['a: 1\n  b: 2', 'Nested mappings are not allowed in compact mappings (line 1)'],
  ['a: 1\nb', 'Implicit map keys need to be followed by map values (line 2)'],
  ['a: 1\nb: !foo 2', 'Unresolved tag: !foo (line 2)'],
  ['a: *x', 'Unresolved alias (the anchor must be set before the alias): x'],
  ['a: 1\n---\nb: 2', 'Source contains multiple documents; please use YAML.parseAllDocuments() (line 2)'],
])('says what is wrong with %j', (text, message) => {
  expect(() => parseYaml(text)).toThrow(message)
})
