import { create } from "zustand";

export interface Question {
  title: string;
  text: string;
  /** What the button says that does it. */
  yes: string;
}

interface Confirm {
  question: Question | null;
  /** Asks in a dialog; true: yes. */
  ask(question: Question): Promise<boolean>;
  answer(yes: boolean): void;
}

let settle: (yes: boolean) => void = () => {};

export const useConfirm = create<Confirm>()((set) => ({
  question: null,
  ask(question) {
    settle(false);
    set({ question });
    return new Promise((resolve) => {
      settle = resolve;
    });
  },
  answer(yes) {
    settle(yes);
    set({ question: null });
  },
}));
