/** How many characters a password has at least and at most. */
export const PASSWORD_LENGTH = { min: 10, max: 200 };

/** Beginnings of what everybody tries first: a password that is one of them and little else is refused. */
const COMMON = [
  "password",
  "passw0rd",
  "p@ssword",
  "p@ssw0rd",
  "qwerty",
  "qwertyuiop",
  "1q2w3e4r5t",
  "1qaz2wsx3edc",
  "asdfghjkl",
  "abcdefghij",
  "letmein",
  "welcome",
  "iloveyou",
  "administrator",
  "admin",
  "changeme",
  "dkssudgktpdy",
  "비밀번호",
  "안녕하세요",
];
/** So many characters besides a common word make a password of one's own. */
const OF_ONES_OWN = 5;

/** The password that counts: composed, so that every keyboard and system types the same one. */
export const normalPassword = (text: string): string => text.normalize("NFKC");

const isRun = (characters: string[]) => {
  const steps = characters
    .slice(1)
    .map((each, i) => (each.codePointAt(0) ?? 0) - (characters[i]?.codePointAt(0) ?? 0));
  const digits = characters.every((each) => /\d/.test(each));
  const [step = 0] = steps;
  const goesOn = (found: number) => found === step || (digits && Math.abs(found) === 9);
  return Math.abs(step) <= 1 && steps.every(goesOn);
};

function isCommon(small: string, email: string): boolean {
  const characters = [...small];
  const local = email.split("@", 1)[0] ?? "";
  if (local.length >= 4 && small.includes(local)) return true;
  if (new Set(characters).size <= 2 || isRun(characters)) return true;
  return COMMON.some((word) => small.includes(word) && characters.length - [...word].length < OF_ONES_OWN);
}

export type PasswordProblem = "password-short" | "password-long" | "password-common";

/**
 * What is wrong with a password that somebody chooses, as a key of `errors` in src/messages; null: nothing.
 * @param email of the account it is for
 */
export function passwordProblem(text: string, email: string): PasswordProblem | null {
  const password = normalPassword(text);
  const length = [...password].length;
  if (length < PASSWORD_LENGTH.min) return "password-short";
  if (length > PASSWORD_LENGTH.max) return "password-long";
  return isCommon(password.toLowerCase(), email.toLowerCase()) ? "password-common" : null;
}
