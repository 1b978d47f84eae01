/** An address as it is stored and compared: trimmed, in small letters. */
export const normalEmail = (email: string): string => email.trim().normalize("NFC").toLowerCase();
