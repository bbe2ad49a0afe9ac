// What a test asks of the page. Each function returns a list of what is wrong, or of what there is.
(() => {
  const visible = (e) => e.checkVisibility({ opacityProperty: true, visibilityProperty: true });

  const colour = (text) => {
    const [r, g, b, a = 1] = text.match(/[\d.]+/g).map(Number);
    return { r, g, b, a };
  };

  const over = (top, below) => {
    const mix = (c) => top[c] * top.a + below[c] * (1 - top.a);
    return { r: mix("r"), g: mix("g"), b: mix("b"), a: 1 };
  };

  // luminance and contrast are those of WCAG 2.
  const luminance = ({ r, g, b }) => {
    const [x, y, z] = [r, g, b]
      .map((c) => c / 255)
      .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };

  const contrast = (a, b) => {
    const [low, high] = [luminance(a), luminance(b)].sort((x, y) => x - y);
    return (high + 0.05) / (low + 0.05);
  };

  // grounds are the colours that may be behind e's text: that of the elements around it, and those
  // of the bars that their ::before draws.
  const grounds = (e) => {
    const layers = [];
    const bars = [];
    for (let at = e; at; at = at.parentElement) {
      layers.push(colour(getComputedStyle(at).backgroundColor));
      const before = getComputedStyle(at, "::before");
      if (before.content !== "none" && before.content !== "normal") {
        bars.push(colour(before.backgroundColor));
      }
    }
    const ground = layers
      .reverse()
      .reduce((below, top) => over(top, below), { r: 255, g: 255, b: 255, a: 1 });
    return [ground, ...bars.map((bar) => over(bar, ground))];
  };

  const label = (e) => e.id || e.title || e.getAttribute("href") || e.value || e.textContent;

  const controls = "a[href], button, input, select, textarea, summary";

  // The elements that Tab should reach; of a group of radio buttons, the one that is checked.
  const reachable = () =>
    [...document.querySelectorAll(controls + ", [tabindex='0']")].filter(
      (e) =>
        !e.disabled &&
        e.checkVisibility({ visibilityProperty: true }) &&
        (e.type !== "radio" || e.checked),
    );

  window.audit = {
    lowContrast() {
      const wrong = [];
      const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
      while (walk.nextNode()) {
        const e = walk.currentNode.parentElement;
        if (walk.currentNode.data.trim() === "" || !visible(e)) {
          continue;
        }
        const style = getComputedStyle(e);
        const ink = colour(e instanceof SVGElement ? style.fill : style.color);
        const least = Math.min(...grounds(e).map((ground) => contrast(over(ink, ground), ground)));
        if (least < 4.5) {
          wrong.push(`${walk.currentNode.data.trim()}: ${least.toFixed(2)}`);
        }
      }
      for (const e of document.querySelectorAll("input[placeholder]")) {
        const [ground] = grounds(e);
        const least = contrast(
          over(colour(getComputedStyle(e, "::placeholder").color), ground),
          ground,
        );
        if (visible(e) && least < 4.5) {
          wrong.push(`${e.id}'s placeholder: ${least.toFixed(2)}`);
        }
      }
      return wrong;
    },

    // What makes the page wider than the window, or reaches beyond its card. Links in tables are cut.
    tooWide() {
      const inner = (card) =>
        card.getBoundingClientRect().right - parseFloat(getComputedStyle(card).paddingRight);
      const beyond = (right, within) =>
        [...within.querySelectorAll("*:not(.link, .unseen)")]
          .filter((e) => visible(e) && e.getBoundingClientRect().right > right + 1)
          .map((e) => `${e.tagName} ${e.id || e.getAttribute("class")}`);
      const { scrollWidth, clientWidth } = document.documentElement;
      const cards = [...document.querySelectorAll(".card")].filter(visible);
      return [
        ...cards.flatMap((card) => beyond(inner(card), card)),
        ...(scrollWidth > clientWidth ? beyond(clientWidth, document.body) : []),
      ];
    },

    // The fields that have no label. A placeholder is none.
    unlabelled: () =>
      [...document.querySelectorAll("input, select, textarea")]
        .filter((e) => e.labels.length === 0)
        .map(label),

    reachable: () => reachable().map(label),

    // The element that has the focus, or what is wrong with that.
    focused() {
      const e = document.activeElement;
      const marked = [e, e.nextElementSibling].some(
        (at) => at && getComputedStyle(at).outlineStyle === "solid",
      );
      return e === document.body ? "" : marked ? label(e) : label(e) + " isn't marked";
    },
  };
  return true;
})();
