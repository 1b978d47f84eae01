/**
 * What isn't seen in a text and yet changes how it, or what stands after it, reads: what turns its direction (U+061C,
 * U+200E/F, U+202A–E, U+2066–9), spaces without width (U+200B, U+2060, U+FEFF), invisible operators, marks of notes,
 * line ends of old. The joiners U+200C/D stay: emoji, Persian and Indian scripts need them.
 */
const HIDDEN = /[\p{Bidi_Control}\p{Zl}\p{Zp}\p{Cs}\u200b\u2060-\u206f\ufeff\ufff9-\ufffb]/u;

/** What leaves nothing to see where it is all there is: blanks of all kinds, fillers, joiners, the empty Braille sign. */
const UNSEEN = /[\p{White_Space}\p{Default_Ignorable_Code_Point}\p{C}\u2800]/gu;

const inLine = /^\P{Cc}*$/u;
const inText = /^[\P{Cc}\n\t]*$/u;

/**
 * Whether people may write this: names of accounts and texts of items alike.
 * @param lines whether it may have several lines, and tabs
 */
export const isPlain = (value: string, lines = false): boolean =>
  !HIDDEN.test(value) && (lines ? inText : inLine).test(value);

/** Whether there is anything to see. */
export const isVisible = (value: string): boolean => value.replaceAll(UNSEEN, "") !== "";
