/** Sibyl as a child process, with a directory of its own. */

import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

const program = resolve(import.meta.dirname, '../bin/sibyl.js')

export interface SibylOptions {
  /** 0 takes a free port. */
  readonly port?: number
  readonly dir: string
  /** `cluster`, in front of all options. */
  readonly verb?: string
  readonly env?: Readonly<Record<string, string>>
  readonly args?: readonly string[]
  /** A program and arguments that the server is run by, such as `ip netns exec NAME`. */
  readonly runner?: readonly string[]
}

export interface SibylProcess {
  readonly child: ChildProcess
  readonly host: string
  readonly port: number
  /** All it has printed so far. */
  output(): string
  /** Resolves when the process is gone. */
  kill(signal: NodeJS.Signals): Promise<void>
}

export function sibylIsBuilt(): boolean {
  return existsSync(program) && existsSync(resolve(import.meta.dirname, '../dist/cli.cjs'))
}

/** Starts the program without waiting for it to listen. */
export function launchSibyl(options: SibylOptions): { child: ChildProcess; output(): string } {
  const verb = options.verb === undefined ? [] : [options.verb]
  const args = [...verb, '--port', String(options.port ?? 0), '--dir', options.dir, ...(options.args ?? [])]
  const [command, ...before] = [...(options.runner ?? []), process.execPath]
  const child = spawn(command, [...before, program, ...args], {
    env: { ...process.env, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let text = ''
  child.stdout?.on('data', (chunk: Buffer) => {
    text += chunk.toString()
  })
  child.stderr?.on('data', (chunk: Buffer) => {
    text += chunk.toString()
  })
  return { child, output: () => text }
}

export async function spawnSibyl(options: SibylOptions): Promise<SibylProcess> {
  const { child, output } = launchSibyl(options)
  const listening = /listening for CQL clients on ([\d.]+|\[[0-9a-f:]+\]):(\d+)/
  const [, host, port] = await new Promise<RegExpExecArray>((fulfil, reject) => {
    const timer = setTimeout(() => fail('did not listen within 60 s'), 60_000)
    const fail = (why: string) => {
      clearTimeout(timer)
      reject(new Error(`Sibyl ${why}. It printed:\n${output()}`))
    }
    const look = () => {
      const match = listening.exec(output())
      if (match === null) return
      clearTimeout(timer)
      child.stdout?.off('data', look)
      fulfil(match)
    }
    child.stdout?.on('data', look)
    child.once('error', (error) => fail(`could not be started: ${error.message}`))
    child.once('exit', (code, signal) => fail(`exited with ${code ?? signal}`))
  })
  return {
    child,
    host,
    port: Number(port),
    output,
    kill: (signal) => end(child, signal),
  }
}

export async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = new Promise<void>((fulfil) => child.once('exit', () => fulfil()))
  child.kill(signal)
  await gone
}

export function temporaryDirectory(name: string): { path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), `sibyl-${name}-`))
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) }
}
