import { normalEmail } from "@/lib/email";
import { PASSWORD_LENGTH, passwordProblem } from "@/lib/password-rules";
import { z } from "@/lib/zod";
import { isPlain, isVisible } from "./text";

/** What forms and handlers ask of accounts alike. Messages are keys of `errors` in src/messages. */

const text = () => z.string({ error: "invalid" });
const object = <T extends z.ZodRawShape>(shape: T) => z.object(shape, { error: "invalid" });

export const emailField = text()
  .transform(normalEmail)
  .pipe(z.email({ error: "email" }).max(254, { error: "email" }));

const nameField = text()
  .trim()
  .refine(isVisible, { error: "required" })
  .max(80, { error: "too-long" })
  .refine((value) => isPlain(value), { error: "characters" });

/** Any password that was ever allowed. */
const typedPassword = text()
  .min(1, { error: "required" })
  .max(4 * PASSWORD_LENGTH.max, { error: "password-long" });

const chosenPassword = typedPassword.refine((value) => !/\p{Cs}/u.test(value), { error: "characters" });

const roleField = z.enum(["admin", "editor"], { error: "invalid" });

export const signInForm = object({ email: emailField, password: typedPassword });
export type SignInForm = z.infer<typeof signInForm>;

const invitationField = text().max(200, { error: "invitation" });

/** `POST /api/register/invitation`: whom a link is for. */
export const invitationForm = object({ invitation: invitationField });

/** With an invitation it names the address, and what `email` says counts for nothing. */
export const registerForm = object({
  email: emailField,
  name: nameField,
  password: chosenPassword,
  invitation: invitationField.optional(),
}).superRefine(({ email, password }, context) => {
  const problem = passwordProblem(password, email);
  if (problem) context.addIssue({ code: "custom", path: ["password"], message: problem });
});
export type RegisterForm = z.infer<typeof registerForm>;

export const passwordForm = object({ current: typedPassword, password: chosenPassword });
export type PasswordForm = z.infer<typeof passwordForm>;

export const inviteForm = object({ email: emailField, role: roleField });
export type InviteForm = z.infer<typeof inviteForm>;

export const userChange = object({
  role: roleField.optional(),
  disabled: z.boolean({ error: "invalid" }).optional(),
}).refine(({ role, disabled }) => (role === undefined) !== (disabled === undefined), { error: "invalid" });
export type UserChange = z.infer<typeof userChange>;

export const localeForm = object({ locale: z.enum(["en", "ko"], { error: "invalid" }) });
