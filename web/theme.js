// Light, dark, or as the system has it, which is what nobody's choice means.

const key = 'cleat-theme';
const choices = ['auto', 'light', 'dark'];

function stored() {
    try {
        const choice = localStorage.getItem(key);
        return choices.includes(choice) ? choice : 'auto';
    } catch {
        return 'auto'; // storage can be forbidden
    }
}

export function applyTheme(choice = stored()) {
    document.documentElement.dataset.theme = choice;
    return choice;
}

export function nextTheme() {
    const choice = choices[(choices.indexOf(document.documentElement.dataset.theme) + 1) % choices.length];
    try {
        localStorage.setItem(key, choice);
    } catch {
        // It holds as long as the page does.
    }
    return applyTheme(choice);
}
