/** Files of the page that shows a running service; all of it comes from this process. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { projectRoot } from '../../config.ts'

type PageFile = { readonly url: string; readonly type: string; readonly file: string }

const folder = join(import.meta.dirname, 'page')

/** Beside the page in what is published, with its package in a checkout. */
const ofPlot = (name: string): string =>
  [join(folder, name), join(projectRoot, 'node_modules', 'uplot', 'dist', name)].find((file) => existsSync(file)) ??
  name

export const pageFiles = (): readonly PageFile[] => [
  { url: '/', type: 'text/html; charset=utf-8', file: join(folder, 'dashboard.html') },
  { url: '/dashboard.css', type: 'text/css; charset=utf-8', file: join(folder, 'dashboard.css') },
  { url: '/dashboard.js', type: 'text/javascript; charset=utf-8', file: join(folder, 'dashboard.js') },
  { url: '/icon.svg', type: 'image/svg+xml', file: join(folder, 'icon.svg') },
  { url: '/plot.css', type: 'text/css; charset=utf-8', file: ofPlot('uPlot.min.css') },
  { url: '/plot.js', type: 'text/javascript; charset=utf-8', file: ofPlot('uPlot.iife.min.js') },
]
