/** As people type it, to how it is compared and kept. */
export const normaliseEmail = (email: string): string => email.trim().toLowerCase()
