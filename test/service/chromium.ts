/** The Chromium of this machine, which pages are opened in. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'

const browsers = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable']

/** On the PATH or as CHROME_PATH; undefined where there is none. */
export const chromiumPath = [
  ...(process.env.CHROME_PATH === undefined ? [] : [process.env.CHROME_PATH]),
  ...(process.env.PATH ?? '').split(':').flatMap((folder) => browsers.map((name) => join(folder, name))),
].find((file) => existsSync(file))
