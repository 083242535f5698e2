import { chmodSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { encryptKeystoreJsonSync, JsonRpcProvider, Wallet } from 'ethers'
import { afterEach, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
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
function open(file: string, passwordFile?: string) {
  const provider = new JsonRpcProvider('http://127.0.0.1:1', 31337, { staticNetwork: true })
  onTestFinished(() => provider.destroy())
  return openAccount(provider, file, passwordFile)
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

  it('says why nothing came of it: no such file, a folder, an empty one', () => {
    const [none, empty] = [join(folder, 'none.key'), join(folder, 'empty.key')]
    writeFileSync(empty, '', { mode: 0o600 })
    expect(() => open(none)).toThrow(`in ${none}, found none: there is no such file.`)
    expect(() => open(folder)).toThrow(`in ${folder}, found none: it is a folder.`)
    expect(() => open(empty)).toThrow(`in ${empty}, found none: it is empty.`)
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

describe('a keystore (version 3)', () => {
  const PASSWORD = ' correct horse '
  const keystore = join(folder, 'keystore.json')
  const secret = (name: string, text: string, mode = 0o600): string => {
    const file = join(folder, name)
    writeFileSync(file, text, { mode })
    chmodSync(file, mode)
    return file
  }
  beforeAll(() => {
    // As few rounds as there may be; nobody's money hangs on it.
    const { address, privateKey } = new Wallet(KEY)
    secret(
      'keystore.json',
      encryptKeystoreJsonSync({ address, privateKey }, PASSWORD, { scrypt: { N: 2, r: 8, p: 1 } }),
    )
  })
  afterEach(() => vi.unstubAllEnvs())

  it.each(['', '\n', '\r\n'])('opens with the password of a file, whose last line may end', (end) => {
    expect(open(keystore, secret('password', `${PASSWORD}${end}`)).privateKey).toBe(KEY)
  })

  it('opens with the password of the environment, which a file goes before', () => {
    vi.stubEnv('ZKRISK_PASSWORD', PASSWORD)
    expect(open(keystore).privateKey).toBe(KEY)
    const wrong = secret('wrong', 'another')
    expect(() => open(keystore, wrong)).toThrow(expect.objectContaining({ code: 'service.password-wrong' }))
  })

  it('does not open with another password, or none, and tells nothing of either', () => {
    vi.stubEnv('ZKRISK_PASSWORD', '')
    expect(() => open(keystore)).toThrow(expect.objectContaining({ code: 'service.password-missing', from: keystore }))
    const none = join(folder, 'none')
    expect(() => open(keystore, none)).toThrow(expect.objectContaining({ code: 'service.password-missing' }))
    const trimmed = secret('trimmed', PASSWORD.trim())
    expect(() => open(keystore, trimmed)).toThrow(expect.objectContaining({ code: 'service.password-wrong' }))
    expect(() => open(keystore, trimmed)).not.toThrow('correct horse')
  })

  it('is refused by name where it is something else', () => {
    for (const text of ['{', '{}', '{"version":3}', '[]', `{"key":"${KEY}"}`]) {
      const file = secret('other.json', text)
      expect(() => open(file, secret('password', PASSWORD))).toThrow(
        expect.objectContaining({ code: 'service.key-malformed', from: file }),
      )
    }
  })

  it.skipIf(process.platform === 'win32')('and its password are their owner’s alone', () => {
    const shared = secret('shared', PASSWORD, 0o640)
    expect(() => open(keystore, shared)).toThrow(
      expect.objectContaining({ code: 'service.key-file-mode', file: shared }),
    )
    chmodSync(keystore, 0o644)
    expect(() => open(keystore)).toThrow(expect.objectContaining({ code: 'service.key-file-mode', file: keystore }))
    chmodSync(keystore, 0o600)
  })
})
