package httpcache

import (
	"fmt"
	"net/http"
	"slices"
)

// ExplainStoring puts into words what Storable decides about the same arguments. The first line
// begins with "It may be stored" or "It isn't stored: " and the reason; if something would change
// that, the next begins with "To have it stored: ". The others name what else has been taken into
// account.
func (p Policy) ExplainStoring(method string, request http.Header, r *Response) []Line {
	e := p.explained(r)
	ok, reason := p.Storable(method, request, r)
	if !ok {
		why, remedy := e.refusal(method, reason)
		lines := []Line{{"It isn't stored: " + why.Text + ".", why.Section}}
		if remedy != "" {
			lines = append(lines, Line{Text: "To have it stored: " + remedy + "."})
		}
		return slices.Concat(lines, e.unreadable(sMaxage, maxAge), e.notes())
	}
	return slices.Concat([]Line{
		e.permission(),
	}, e.exceptions(request), e.vary(), e.unreadable(sMaxage, maxAge), e.notes())
}

// permission says why the response is worth storing.
func (e *explained) permission() Line {
	lifetime, explicit := e.lifetime(e.r, &e.d)
	switch {
	case e.d.has(noCache):
		return Line{
			"It may be stored: no-cache in " + e.field + " doesn't forbid that, it only has " +
				"each use validated with the origin.",
			"RFC 9111 §5.2.2.4",
		}
	case lifetime > 0 && explicit:
		return Line{"It may be stored: it says how long it stays fresh.", "RFC 9111 §3"}
	case lifetime > 0:
		return Line{
			"It may be stored: it doesn't say how long it stays fresh, but this cache may " +
				"assume a time.",
			"RFC 9111 §4.2.2",
		}
	}
	return Line{
		"It may be stored: it is stale from the start, but has a validator, by which the origin " +
			"can say that it is still good.",
		"RFC 9111 §3",
	}
}

// exceptions say why what often forbids storing doesn't.
func (e *explained) exceptions(request http.Header) (lines []Line) {
	if len(request["Authorization"]) > 0 {
		for _, k := range []directive{public, mustRevalidate, sMaxage} {
			if e.d.permits(k) {
				lines = append(lines, Line{
					fmt.Sprintf("The request has Authorization; the answer may be stored for "+
						"all the same because of %s in %s.", directiveNames[k], e.field),
					"RFC 9111 §3.5",
				})
				break
			}
		}
	}
	if len(e.r.Header["Set-Cookie"]) > 0 {
		lines = append(lines, Line{
			"It sets a cookie, which everyone will get who is answered with it: as it says how " +
				"long it stays fresh, its origin is taken to mean that (setting private-cookies " +
				"forbids it).",
			"RFC 9111 §7.3",
		})
	}
	return lines
}

// refusal words a reason of Storable, and says what would remove it.
func (e *explained) refusal(method, reason string) (why Line, remedy string) {
	switch reason {
	case ReasonMethod:
		if method == http.MethodPost {
			return Line{
				"it answers a POST without saying for how long it stays fresh",
				"RFC 9110 §9.3.3",
			}, ""
		}
		return Line{
			"it answers the method " + shown(method) + ", and only answers to GET are kept",
			"RFC 9111 §3",
		}, ""
	case ReasonStatus:
		return e.refusedStatus()
	case ReasonPartial:
		if e.r.Status == http.StatusNotModified {
			return Line{"a 304 only says that something else is still good", "RFC 9111 §4.3.4"}, ""
		}
		return Line{"it is only a part (206) of something", "RFC 9111 §3.3"}, ""
	case ReasonRequest:
		return Line{
				"the request says no-store",
				"RFC 9111 §5.2.1.5",
			}, "ask without Cache-Control: no-store, or have the cache ignore such wishes " +
				"with the " +
				"setting ignore-request-directives"
	case ReasonNoStore:
		return Line{
			"no-store in " + e.field + " forbids it",
			"RFC 9111 §5.2.2.5",
		}, e.instead("no-store")
	case ReasonVaryStar:
		return Line{
				fmt.Sprintf("its Vary (%s) means that no other request may be answered "+
					"with it", line(e.r.Header, "Vary")),
				"RFC 9111 §4.1",
			},
			"have the origin name in Vary the request fields that matter, such as Accept-Encoding"
	case ReasonPrivate:
		return Line{
			"private in " + e.field + " makes it one user's own, and this cache is shared by all",
			"RFC 9111 §5.2.2.7",
		}, e.instead("private")
	case ReasonAuthorization:
		return Line{
				"it answers a request with Authorization, and doesn't say that others may have it",
				"RFC 9111 §3.5",
			},
			"ask without Authorization, or have the origin send public, must-revalidate or " +
				"s-maxage=SECONDS, if the answer is the same for everyone"
	case ReasonSetCookie:
		return e.refusedCookie()
	case ReasonNoCache:
		return Line{
				"no-cache in " + e.field + " has each use validated with the origin, and it has " +
					"no usable ETag or Last-Modified to validate it by",
				"RFC 9111 §5.2.2.4",
			},
			"have the origin send an ETag or Last-Modified, or leave no-cache out and send " +
				"max-age=60 or so"
	}
	if _, explicit := e.lifetime(e.r, &e.d); explicit {
		return Line{
				"it is stale from the start, and has no usable ETag or Last-Modified to " +
					"validate it by, so it could never be used",
				"RFC 9111 §3",
			},
			"have the origin send Cache-Control: max-age=60 or so, or an ETag or Last-Modified"
	}
	return Line{
			"it doesn't say how long it stays fresh, and has no usable ETag or Last-Modified to " +
				"validate it by, so it could never be used",
			"RFC 9111 §3",
		},
		"have the origin send Cache-Control: max-age=60 or so, or an ETag or Last-Modified"
}

func (e *explained) refusedStatus() (why Line, remedy string) {
	status := e.r.Status
	switch section := about6585(status); {
	case section != "":
		return Line{
			fmt.Sprintf("status %d is about the one request that got it, and is "+
				"never stored", status),
			section,
		}, ""
	case status < 200 || status > 599:
		return Line{
			fmt.Sprintf("status %d isn't a final status of HTTP", status),
			"RFC 9111 §3",
		}, ""
	case e.d.has(mustUnderstand) && !understood(status):
		return Line{
			fmt.Sprintf("must-understand in %s leaves it to caches that know what status %d "+
				"means, which this one doesn't", e.field, status),
			"RFC 9111 §5.2.2.3",
		}, ""
	}
	return Line{
			fmt.Sprintf("with status %d it is stored only if it says how long it stays fresh, "+
				"which it doesn't", status),
			"RFC 9111 §3",
		},
		"have the origin send Cache-Control: max-age=60 or so"
}

// about6585 is the section of RFC 6585 that forbids storing, if one does.
func about6585(status int) string {
	switch {
	case !forbidden(status):
		return ""
	case status == http.StatusPreconditionRequired:
		return "RFC 6585 §3"
	case status == http.StatusTooManyRequests:
		return "RFC 6585 §4"
	case status == http.StatusRequestHeaderFieldsTooLarge:
		return "RFC 6585 §5"
	}
	return "RFC 6585 §6"
}

func (e *explained) refusedCookie() (why Line, remedy string) {
	switch {
	case e.PrivateCookies:
		return Line{
				Text: "it has Set-Cookie, and the setting private-cookies keeps such " +
					"responses out",
				Section: "RFC 9111 §7.3",
			},
			"have the origin set no cookie on what is the same for everyone, or turn that " +
				"setting off"
	case e.d.has(noCache):
		return Line{
				"it has Set-Cookie and no-cache in " + e.field + ", so the cookie is taken to " +
					"be one client's",
				"RFC 9111 §7.3",
			},
			"have the origin set no cookie on what is the same for everyone"
	}
	return Line{
			"it has Set-Cookie and doesn't say itself for how long it stays fresh, so the " +
				"cookie is taken to be one client's",
			"RFC 9111 §7.3",
		},
		"have the origin set no cookie on what is the same for everyone, or send max-age=60 or " +
			"so if the cookie is"
}

// instead says how to get rid of a directive that forbids storing.
func (e *explained) instead(word string) string {
	remedy := "have the origin leave out " + word
	if lifetime, explicit := e.lifetime(e.r, &e.d); !explicit || lifetime <= 0 {
		remedy += " and send max-age=60 or so"
	}
	remedy += ", if the response is the same for everyone"
	if !e.d.targeted && len(e.Targets) > 0 {
		remedy += fmt.Sprintf("; or have it send %s: max-age=60 beside it, which counts here "+
			"and not in browsers", written(e.Targets[0]))
	}
	return remedy
}
