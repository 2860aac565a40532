"""The one script of a view: about four kilobytes, no library, nothing loaded.

Where scripts may run it swaps the picture for the same SVG in a shadow root, so that titles, the keyboard and a click
on a state work and no style leaks either way; where they may not, the picture and the folds are there without it. What
was unfolded stays so when a live view is replaced. Pictures of many states get a field that finds one by its name; in a
page of its own, ``#state=KEY`` in the address opens one.
"""

from __future__ import annotations

import json

from mlflowsteps.display.html import Markup

__all__ = ["script"]

_SOURCE = """(function(id,key){
var root=document.getElementById(id);if(!root)return;
var all=window.__mlflowsteps=window.__mlflowsteps||{},open=all[key]=all[key]||{};
var folds=Array.prototype.slice.call(root.querySelectorAll("details[data-state]"));
folds.forEach(function(f){var k=f.getAttribute("data-state");
if(k in open)f.open=open[k];
f.addEventListener("toggle",function(){open[k]=f.open})});
function show(k){folds.forEach(function(f){if(f.getAttribute("data-state")!==k)return;
for(var p=f;p&&p!==root;p=p.parentElement)if(p.tagName==="DETAILS")p.open=true;
f.scrollIntoView({block:"nearest"});f.querySelector("summary").focus()})}
root.addEventListener("click",function(e){var a=e.target.closest&&e.target.closest("[data-show]");
if(a){e.preventDefault();show(a.getAttribute("data-show"))}});
function dark(){for(var e=root;e;e=e.parentElement){
var c=getComputedStyle(e).backgroundColor.match(/[\\d.]+/g);
if(c&&(c.length<4||+c[3]>.5))return .3*c[0]+.59*c[1]+.11*c[2]<128}
return matchMedia("(prefers-color-scheme: dark)").matches}
var img=root.querySelector("img[data-graph]");if(!img||!root.attachShadow)return;
var raw=atob(img.src.split(",")[1]),bytes=new Uint8Array(raw.length);
for(var i=0;i<raw.length;i++)bytes[i]=raw.charCodeAt(i);
var doc=new DOMParser().parseFromString(new TextDecoder().decode(bytes),"image/svg+xml");
var svg=document.importNode(doc.documentElement,true),host=document.createElement("div");
svg.style.display="block";var paper=svg.querySelector(".paper");if(paper)paper.remove();
function tint(){svg.style.colorScheme=dark()?"dark":"light"}tint();
host.attachShadow({mode:"open"}).appendChild(svg);img.replaceWith(host);
if(all[key+"/scroll"]){host.parentElement.scrollTop=all[key+"/scroll"][0];host.parentElement.scrollLeft=all[key+"/scroll"][1]}
host.parentElement.addEventListener("scroll",function(){
all[key+"/scroll"]=[host.parentElement.scrollTop,host.parentElement.scrollLeft]});
function pick(e){var g=e.target.closest(".n");if(g){e.preventDefault();show(g.getAttribute("data-state"))}}
svg.addEventListener("click",pick);
svg.addEventListener("keydown",function(e){if(e.key==="Enter"||e.key===" ")pick(e)});
function hit(k){for(;;){var g=drawn[k];if(g)return g;
var cut=k.lastIndexOf("/");if(cut<0)return null;k=k.slice(0,cut)}}
var drawn={},keys=[];svg.querySelectorAll(".n[data-state]").forEach(function(g){drawn[g.getAttribute("data-state")]=g});
root.querySelectorAll("[data-show]").forEach(function(a){keys.push(a.getAttribute("data-show"))});
host.setAttribute("data-lm-suppress-shortcuts","true");
if(keys.length>=MANY){
var bar=document.createElement("div"),field=document.createElement("input"),told=document.createElement("span");
bar.setAttribute("data-lm-suppress-shortcuts","true");bar.style.padding="2px 0 6px 0";
field.type="search";field.placeholder="Find a state";field.setAttribute("aria-label","Find a state");
field.style.width="240px";field.style.font="inherit";told.setAttribute("role","status");told.style.paddingLeft="8px";
bar.appendChild(field);bar.appendChild(told);host.parentElement.before(bar);
var found=[],at=-1;
function plain(k){return k.replace(/~1/g,"/").replace(/~0/g,"~").toLowerCase()}
function mark(on){found.forEach(function(k){var g=hit(k);if(g)g.classList.toggle("hit",on)})}
function go(step){if(!found.length)return;at=(at+step+found.length)%found.length;var k=found[at],g=hit(k);
if(g)g.scrollIntoView({block:"center",inline:"center"});
if(!drawn[k]){show(k);field.focus()}
told.textContent=(at+1)+" of "+found.length+": "+k.replace(/~1/g,"/").replace(/~0/g,"~")}
function look(){mark(false);at=-1;all[key+"/find"]=field.value;var q=field.value.trim().toLowerCase();
found=q?keys.filter(function(k){return plain(k).indexOf(q)>=0}):[];mark(true);
told.textContent=q?found.length+" found"+(found.length?"; Enter goes to the next":""):""}
if(all[key+"/find"]){field.value=all[key+"/find"];look()}
field.addEventListener("input",look);
field.addEventListener("keydown",function(e){if(e.key==="Enter"){e.preventDefault();go(e.shiftKey?-1:1)}})}
function anchor(){try{var h=decodeURIComponent(location.hash.slice(1))}catch(e){return}
if(h.indexOf("state=")===0){var g=hit(h.slice(6));if(g)g.scrollIntoView({block:"center"});show(h.slice(6))}}
addEventListener("hashchange",anchor);anchor();
var seen=new MutationObserver(function(){if(!root.isConnected)seen.disconnect();else tint()});
seen.observe(document.body,{attributes:true});
})"""

_MANY = 12  # states: fewer are found by eye


def script(element: str, key: str) -> Markup:
    """The script for one view.

    Args:
        element: id of the view's element; letters, digits and hyphens.
        key: what the unfolded states are remembered under; letters, digits and hyphens.
    """
    return Markup(f"<script>{_SOURCE.replace('MANY', str(_MANY))}({json.dumps(element)},{json.dumps(key)})</script>")
