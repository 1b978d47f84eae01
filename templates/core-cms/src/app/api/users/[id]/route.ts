import { changeAccount } from "@/lib/accounts";
import { visitorAddress } from "@/lib/address";
import { requireUser } from "@/lib/auth";
import { body, handle, json } from "@/lib/http";
import { userChange } from "@/types/account-forms";

type Context = { params: Promise<{ id: string }> };

/** `{"role": …}` or `{"disabled": …}`: changes an account and ends its sessions. Administrators only. */
export const PATCH = (request: Request, { params }: Context) =>
  handle(async () => {
    const admin = await requireUser("admin");
    const change = await body(request, userChange);
    const { id } = await params;
    return json({ user: await changeAccount(admin, id, change, visitorAddress(request.headers)) });
  });
