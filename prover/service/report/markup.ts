/** Markup that is safe to place in a page. */
export type Markup = { readonly markup: string }

type Content = string | number | Markup | readonly Markup[]

/** A template of HTML or SVG; every value that is not markup itself is escaped. */
export function html(strings: TemplateStringsArray, ...values: readonly Content[]): Markup {
  const parts = strings.map((text, i) => text + (i < values.length ? render(values[i] ?? '') : ''))
  return { markup: parts.join('') }
}

/** JSON for a `<script type="application/json">`, which no text in it can close. */
export function embeddedJson(value: unknown): Markup {
  return { markup: JSON.stringify(value).replaceAll('<', '\\u003c') }
}

function render(content: Content): string {
  if (typeof content === 'string') return escapeText(content)
  if (typeof content === 'number') return String(content)
  return 'markup' in content ? content.markup : content.map(render).join('')
}

function escapeText(text: string): string {
  const entities: Readonly<Record<string, string>> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    '"': '&quot;',
    "'": '&#39;',
  }
  return text.replace(/[&<>"']/g, (character) => entities[character] ?? character)
}
