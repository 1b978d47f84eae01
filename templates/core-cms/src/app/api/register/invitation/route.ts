import { visitorAddress } from "@/lib/address";
import { body, handle, json } from "@/lib/http";
import { invitedAddress } from "@/lib/registration";
import { invitationForm } from "@/types/account-forms";

/** `{"invitation"}` of a link's fragment: `{"email"}`, the address that it is for. */
export const POST = (request: Request) =>
  handle(async () => {
    const { invitation } = await body(request, invitationForm);
    return json({ email: await invitedAddress(invitation, visitorAddress(request.headers)) });
  });
