import { chmodSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { JsonRpcProvider } from 'ethers'
import { describe, expect, it, onTestFinished } from 'vitest'
import { KeyFileModeError, openAccount } from '../../prover/service/daemon/account.ts'
import { writeSecretFile, writeWholeFile } from '../../prover/service/wholeFile.ts'
import { temporaryFolder } from './zkrisk.ts'

const KEY = `0x${'00'.repeat(31)}07`
const folder = temporaryFolder()
const modeOf = (file: string): number => statSync(file).mode & 0o777

/** A key file of this mode. */
function keyFile(mode: number): string {
  const file = join(folder, `${mode.toString(8)}.key`)
  writeFileSync(file, `${KEY}\n`)
  chmodSync(file, mode)
  return file
}

/** An account that is asked for nothing. */
function open(file: string) {
  const provider = new JsonRpcProvider('http://127.0.0.1:1', 31337, { staticNetwork: true })
  onTestFinished(() => provider.destroy())
  return openAccount(provider, file)
}

describe.skipIf(process.platform === 'win32')('a key file (POSIX modes)', () => {
  it.each([0o600, 0o400])('is read where it is its owner’s alone: %o', (mode) => {
    expect(open(keyFile(mode)).privateKey).toBe(KEY)
  })

  it.each([0o644, 0o640, 0o604, 0o620, 0o602, 0o610, 0o601, 0o777])('is refused by its mode: %o', (mode) => {
    const file = keyFile(mode)
    expect(() => open(file)).toThrow(KeyFileModeError)
    expect(() => open(file)).toThrow(expect.objectContaining({ code: 'service.key-file-mode', file, mode }))
  })

  it('is judged itself, not the link that leads to it', () => {
    const link = join(folder, 'link.key')
    symlinkSync(keyFile(0o604), link)
    expect(() => open(link)).toThrow(expect.objectContaining({ code: 'service.key-file-mode' }))
  })

  it('is refused in words that say what to do, and nothing of the key', () => {
    const file = keyFile(0o644)
    expect(() => open(file)).toThrow(`its mode is 644. Run \`chmod 600 ${file}\``)
    expect(() => open(file)).not.toThrow(KEY.slice(-8))
  })

  it('is written so that no other user may read it, whatever the umask and whatever was there', () => {
    const file = join(folder, 'secret.key')
    writeFileSync(file, 'old')
    chmodSync(file, 0o666)
    const umask = process.umask(0)
    onTestFinished(() => {
      process.umask(umask)
    })
    writeSecretFile(file, KEY)
    expect(modeOf(file)).toBe(0o600)
    expect(open(file).privateKey).toBe(KEY)
    const control = join(folder, 'report.html')
    writeWholeFile(control, 'no secret')
    expect(modeOf(control)).toBe(0o666)
  })
})
