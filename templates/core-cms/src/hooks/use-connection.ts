import { create } from "zustand";

interface Connection {
  /** Whether the server's events reach this page; null: it has not tried yet. */
  connected: boolean | null;
  set(connected: boolean): void;
}

export const useConnection = create<Connection>()((set) => ({
  connected: null,
  set: (connected) => set({ connected }),
}));
