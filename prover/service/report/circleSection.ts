import type { Markup } from './markup.ts'
import { html } from './markup.ts'

/** What happened in the circle, step by step. */
export type CircleSection = {
  readonly kind: 'circle'
  readonly title: string
  /** Sentences, each after the name of its step and a colon. */
  readonly lines: readonly string[]
  readonly isAccepted: boolean
}

export function drawCircle({ title, lines, isAccepted }: CircleSection, id: string): Markup {
  const steps = lines.map((line) => {
    const end = line.indexOf(': ')
    return html`<p><b>${line.slice(0, end)}</b>${line.slice(end)}</p>
`
  })
  return html`<section class="circle" id="${id}">
<h2>${title}</h2>
<p class="verdict ${isAccepted ? 'pass' : 'fail'}">${isAccepted ? '✓ margins, liquidation and open interest accepted by the audit' : '✗ not everything was accepted by the audit'}</p>
<p class="note">Every margin and count was proven and put in force by the registries of margins; the surface of volatility and the fall are
supposed, the spot is the last of the crash.</p>
${steps}
</section>
`
}
