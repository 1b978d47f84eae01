import { changePassword } from "@/lib/accounts";
import { visitorAddress } from "@/lib/address";
import { currentSid, requireUser } from "@/lib/auth";
import { body, handle, json } from "@/lib/http";
import { passwordForm } from "@/types/account-forms";

/** Changes one's own password, which has to be said once more, and ends one's other sessions. */
export const POST = (request: Request) =>
  handle(async () => {
    const user = await requireUser();
    const form = await body(request, passwordForm);
    await changePassword(user, form, await currentSid(), visitorAddress(request.headers));
    return json({ changed: true });
  });
