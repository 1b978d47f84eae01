/** The paragraphs of a plain text, which empty lines part, each with where it stands among them. */
export const paragraphs = (body: string): { at: number; text: string }[] =>
  body
    .split(/\n\s*\n/)
    .map((text) => text.trim())
    .filter(Boolean)
    .map((text, at) => ({ at, text }));
