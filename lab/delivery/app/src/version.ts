/** Which one this is. A release changes this line alone, so that the image's layer with the packages stays. */
export const VERSION = "1.0.0";
