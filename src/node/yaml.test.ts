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
pairs: { x: 1, y: [2, 3], z: a:b }
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
    pairs: { x: 1, y: [2, 3], z: 'a:b' },
    after: null,
  })
  expect(parseYaml('')).toBeNull()
})

it.each([
  ['a: 1\na: 2', 'found duplicate key a (line 2)'],
  ['a: |\n  text', '"|" is not understood here (line 1)'],
  ['a: [1, 2', 'A list has no end (line 1)'],
  ['a: "x', 'A quote has no end (line 1)'],
  ['a:\n\t- b', 'A tab is no indentation (line 2)'],
  ['a: 1\n  b: 2', '"b: 2" is not where it could be (line 2)'],
  ['a: 1\nb', '"b" is no key with a value (line 2)'],
])('says what is wrong with %j', (text, message) => {
  expect(() => parseYaml(text)).toThrow(message)
})
