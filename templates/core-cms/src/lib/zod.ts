import { z } from "zod";

// In a browser Zod would see by trying whether it may make functions from text: it may not, and the policy reports it.
if (typeof window !== "undefined") z.config({ jitless: true });

export { z };
