import { visitorAddress } from "@/lib/address";
import { body, handle, json } from "@/lib/http";
import { register } from "@/lib/registration";
import { registerForm } from "@/types/account-forms";

/** Makes an account, by invitation or, where the app is open, by anybody. 201; signing in is a step of its own. */
export const POST = (request: Request) =>
  handle(async () => {
    const form = await body(request, registerForm);
    return json({ user: await register(form, visitorAddress(request.headers)) }, 201);
  });
